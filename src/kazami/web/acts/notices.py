"""Notices: planned out of the case, then sent where a person says so."""

from __future__ import annotations

from typing import Literal

import msgspec

from kazami.errors import UsageError
from kazami.pipeline import notices
from kazami.pipeline.campaigns import Keys
from kazami.respond.notify.sign import Signer
from kazami.tenants import find
from kazami.web.pages.incident import found, place_of
from kazami.web.resource import Act, Asking
from kazami.web.state import audit


class Planned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Write the drafts anew, marked so."""

    tlp: Literal["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"] = "AMBER"


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Send what is planned for the tenant of the incident. `sure` must be said."""

    sure: bool = False


class Told(msgspec.Struct, frozen=True):
    """What became of each action."""

    actions: list[dict[str, str]]


def plan(asking: Asking) -> Told:
    """Write the notices of the case, and who gets which; nothing leaves."""
    one = found(asking)
    with asking.desk.opened() as case:
        made = notices.plan(
            case,
            find(asking.site.directory),
            Keys(asking.site.keys),
            Signer(asking.site.notice_key),
            asking.query.tlp,
        )
    audit.note(
        asking.site.state, asking.person.name, "plan notices", place_of(one), one.tenant, actions=len(made)
    )
    return Told(
        [
            {"tenant": a.tenant, "channel": a.channel, "state": "planned"}
            for a in made
            if a.tenant == one.tenant
        ]
    )


def send(asking: Asking) -> Told:
    """Send the notices of the tenant."""
    one = found(asking)
    if not asking.query.sure:
        raise UsageError("sure: say that you are")
    done = notices.apply(
        asking.desk.case,
        find(asking.site.directory),
        Signer(asking.site.notice_key),
        send=True,
        tenant=one.tenant,
    )
    told = [
        {"tenant": a.tenant, "channel": a.channel, "state": state, "said": said} for a, state, said in done
    ]
    states = {state: sum(t["state"] == state for t in told) for state in {t["state"] for t in told}}
    audit.note(asking.site.state, asking.person.name, "send notices", place_of(one), one.tenant, **states)
    return Told(told)


_NOTICES = "/incidents/{uid}/notices"

ACTS = (
    Act(f"{_NOTICES}/plan", "Write the notices of the case; nothing leaves", plan, Planned, _NOTICES),
    Act(f"{_NOTICES}/send", "Send the notices of the incident's tenant", send, Sent, _NOTICES),
)
