"""Suppressions: added with a reason and an end, and removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from kazami.model.suppression import Suppression
from kazami.pipeline import suppress
from kazami.store.case import Case
from kazami.web.resource import Act, Asking
from kazami.web.state import audit

Name = Annotated[str, msgspec.Meta(max_length=400)]


class Added(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be ignored, in which tenant, why, and for how many days."""

    tenant: Name
    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=2000)]
    rule: Name = ""
    host: Name = ""
    account: Name = ""
    entity: Name = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = suppress.DAYS


class Removed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which one ends, and why."""

    uid: Annotated[str, msgspec.Meta(min_length=4, max_length=12)]
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class Done(msgspec.Struct, frozen=True):
    """The id of the suppression."""

    uid: str


def add(asking: Asking) -> Done:
    """Silence findings of one tenant; the incidents are told anew."""
    body: Added = asking.query
    expires = datetime.now(UTC) + timedelta(days=body.days)
    who = asking.person.name
    one = asking.desk.change("suppress", _added, body, who, expires)
    audit.note(asking.site.state, who, "suppress", "suppressions", one.tenant, uid=one.uid, reason=one.reason)
    return Done(one.uid)


def _added(case: Case, body: Added, who: str, expires: datetime) -> Suppression:
    one = suppress.planned(
        case, body.tenant, rule=body.rule, host=body.host, account=body.account, entity=body.entity,
        reason=body.reason, owner=who, expires=expires,
    )  # fmt: skip
    return suppress.add(case, one, who)


def remove(asking: Asking) -> Done:
    """Let what was silenced count again."""
    who = asking.person.name
    one = asking.desk.change("suppress", suppress.remove, asking.query.uid, who, asking.query.note)
    audit.note(asking.site.state, who, "unsuppress", "suppressions", one.tenant, uid=one.uid)
    return Done(one.uid)


ACTS = (
    Act(
        "/suppressions/add",
        "Silence findings of one tenant, for a reason and a time",
        add,
        Added,
        "/suppressions",
    ),
    Act("/suppressions/remove", "Let what was silenced count again", remove, Removed, "/suppressions"),
)
