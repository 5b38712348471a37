"""Suppressions: what is silenced and until when, and what another one would silence before it is added."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from kazami.errors import UsageError
from kazami.model.incident import Text
from kazami.model.suppression import Suppression
from kazami.pipeline import suppress
from kazami.store import suppressed
from kazami.store.browse.lists import rule
from kazami.store.case import Case
from kazami.web.resource import Asking, Resource, writers


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What another suppression would ask for: at least one beside the tenant; then it is previewed."""

    tenant: str = ""
    rule: str = ""
    host: str = ""
    account: str = ""
    entity: str = ""


class Standing(msgspec.Struct, frozen=True):
    """A suppression; `active` is false where it has expired, `rule` is the title of its rule."""

    suppression: Suppression
    active: bool
    rule: str


class Gone(msgspec.Struct, frozen=True):
    """An incident that would vanish (`left` 0) or shrink."""

    uid: str
    title: Text
    findings: int
    left: int


class Preview(msgspec.Struct, frozen=True):
    """What would go silent: findings by rule, incidents, tactics that nothing would be left of, chains among the rules."""

    findings: int
    rules: list[tuple[str, str, str, int]]  # id, title, level, findings
    incidents: list[Gone]
    tactics: list[str]
    chains: list[str]


class Shown(msgspec.Struct, frozen=True):
    """The suppressions of the case; `preview` of what the query asks for, `wrong` where it cannot be.

    `ready` is false while the preview is made: ask again.
    """

    standing: list[Standing]
    tenants: list[str]
    preview: Preview | None = None
    wrong: str = ""
    ready: bool = True


def shown(asking: Asking) -> Shown:
    """Suppressions."""
    now = datetime.now(UTC)
    listed = [
        Standing(one, now < one.expires, _title(asking, one.rule))
        for one in suppressed.standing(asking.desk.case)
        if asking.person.tenants is None or one.tenant in asking.person.tenants
    ]
    tenants = asking.reader.tenant_names()
    query: Query = asking.query
    if not any((query.rule, query.host, query.account, query.entity)):
        return Shown(listed, tenants)
    try:
        made = asking.desk.soon(f"suppress {sorted(msgspec.structs.asdict(query).items())}", look, query)
        return Shown(listed, tenants, made, ready=made is not None)
    except UsageError as error:
        return Shown(listed, tenants, wrong=str(error))


def _title(asking: Asking, uid: str) -> str:
    found = rule(asking.reader, uid) if uid else None
    return str(found["title"]) if found else uid


def look(folder: Path, query: Query) -> Preview:
    """In a process of its own: the incidents of the tenant are told anew."""
    with Case.open(folder, read_only=True) as case:
        one = suppress.planned(
            case, query.tenant, rule=query.rule, host=query.host, account=query.account, entity=query.entity
        )
        seen = suppress.preview(case, one)
    gone = [Gone(one.incident_uid, one.title, one.findings, 0) for one in seen.vanish]
    gone += [Gone(one.incident_uid, one.title, one.findings, left) for one, left in seen.shrink]
    rules = [(one.rule, one.title, one.level, one.count) for one in seen.rules]
    return Preview(seen.findings, rules, gone, list(seen.tactics), [one.title for one in seen.chains])


RESOURCES = (
    Resource(
        "/suppressions",
        "suppressions",
        "What is silenced, and what would be",
        shown,
        Shown,
        Query,
        may=writers,
    ),
)
