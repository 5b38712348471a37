"""Changes of hosts that nothing approves, as the events of the case say them: after a day, against what was before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from kazami.detect.change.rank import signs, title
from kazami.errors import UsageError
from kazami.model import change as model
from kazami.pipeline.baseline import Kept
from kazami.pipeline.changes import Told, of_case
from kazami.respond.notify.sign import Signer
from kazami.store.browse.clock import micro
from kazami.store.case import Case
from kazami.web.resource import Asking, Resource

#: Changes that are shown.
MOST = 300

#: Signs of a value that is shown.
SHOWN = 300


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came from `since` on is held against what events said before; `every` shows approved changes as well."""

    since: str = ""
    tenant: str = ""
    host: str = ""
    every: bool = False


class Change(msgspec.Struct, frozen=True):
    """A change: `what` is ``new``, ``altered`` or ``removed``; `facts` are those that differ, before and after."""

    tenant: str
    host: str
    what: str
    kind: str
    name: str
    level: str
    score: int
    title: str
    signs: list[str]
    facts: dict[str, tuple[str, str]]
    approval: str


class Shown(msgspec.Struct, frozen=True):
    """`ready` is false while it is looked at: ask again. `unknown` are hosts that nothing was known of before."""

    ready: bool
    rows: list[Change]
    more: int
    unknown: list[str]
    tenants: list[str]
    wrong: str = ""


def shown(asking: Asking) -> Shown:
    """Changes."""
    query: Query = asking.query
    names = asking.reader.tenant_names()
    since = micro(query.since, "since")
    if since is None:
        return Shown(True, [], 0, [], names)
    try:
        approvals = {name: tuple(_kept(asking, name).approvals()) for name in names}
    except UsageError as error:
        return Shown(True, [], 0, [], names, str(error))
    found = asking.desk.soon(f"changes {since} {hash(frozenset(approvals.items()))}", look, since, approvals)
    if found is None:
        return Shown(False, [], 0, [], names)
    told = [
        one
        for one in found
        if one.tenant in names
        and (not query.tenant or one.tenant == query.tenant)
        and (not query.host or one.host.lower() == query.host.lower())
    ]
    rows = [
        _row(one, change, asking.lang)
        for one in told
        for change in (one.changes if query.every else one.open)
    ]
    rows.sort(key=lambda row: (bool(row.approval), -row.score, row.host, row.name))
    unknown = [one.host for one in told if not one.baseline]
    return Shown(True, rows[:MOST], max(len(rows) - MOST, 0), unknown, names)


def look(case: Path, since: int, approvals: dict[str, tuple[model.Approval, ...]]) -> list[Told]:
    """In a process of its own: all events that say something of a host's state are looked at."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=since)
    with Case.open(case, read_only=True) as opened:
        return [replace(one, events={}) for one in of_case(opened, since=moment, approvals=approvals)]


def _kept(asking: Asking, tenant: str) -> Kept:
    return Kept(asking.site.baselines, tenant, Signer(asking.site.notice_key))


def _row(one: Told, change: model.Change, lang: str) -> Change:
    item = change.item
    facts = {name: (before[:SHOWN], after[:SHOWN]) for name, (before, after) in change.differing.items()}
    about = (
        change.level,
        change.score,
        title(change, lang),
        [*filter(None, [change.verdict]), *signs(change, lang)],
    )
    return Change(
        one.tenant, item.host or one.host, change.what, item.kind, item.name, *about, facts, change.approval
    )


RESOURCES = (Resource("/changes", "changes", "Changes of hosts that nothing approves", shown, Shown, Query),)
