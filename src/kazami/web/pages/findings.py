"""Findings: facets, full text, and one of them with its raw events."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kazami.errors import CaseError
from kazami.store.browse.clock import micro
from kazami.store.browse.findings import Facet, Found, Wanted, facets, finding, findings
from kazami.store.browse.lists import rule
from kazami.web.errors import missing
from kazami.web.resource import Asking, Resource

#: Events of a finding that are shown.
EVENTS = 20


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which findings. `level` and above; `text` is searched for in what matched and in the titles of rules."""

    tenant: str = ""
    level: str = ""
    host: str = ""
    user: str = ""
    rule: str = ""
    source: str = ""
    incident: str = ""
    entity: str = ""
    text: str = ""
    show: Literal["counted", "suppressed", "all"] = "counted"
    since: str = ""
    until: str = ""
    after: str = ""
    limit: int = 50


class Findings(msgspec.Struct, frozen=True):
    """A page of findings, the cursor of the next, and the facets of all that were asked for."""

    rows: list[Found]
    next: str | None
    facets: list[Facet]


class Event(msgspec.Struct, frozen=True):
    """A raw event, in the words of its log source."""

    event_uid: str
    fields: dict[str, Any]


class Proof(msgspec.Struct, frozen=True):
    """A finding, its rule, and the events that it rests on; `more` are not shown, `note` says what went wrong."""

    finding: Found
    rule: dict[str, Any] | None
    events: list[Event]
    note: str = ""
    more: int = 0


def listed(asking: Asking) -> Findings:
    """Findings."""
    query: Query = asking.query
    same = {
        name: getattr(query, name)
        for name in ("tenant", "level", "host", "user", "rule", "source", "incident")
    }
    wanted = Wanted(
        **same,
        entity=query.entity,
        show=query.show,
        text=query.text,
        since=micro(query.since, "since"),
        until=micro(query.until, "until"),
    )
    page = findings(asking.reader, wanted, after=query.after, limit=query.limit)
    return Findings(page.rows, page.next, [] if query.after else facets(asking.reader, wanted))


def shown(asking: Asking) -> Proof:
    """One finding."""
    found = finding(asking.reader, asking.path["uid"])
    if found is None:
        raise missing("there is no such finding")
    one, uids = found
    events, note = _events(asking, uids[:EVENTS])
    return Proof(one, rule(asking.reader, one.rule), events, note, max(len(uids) - EVENTS, 0))


def _events(asking: Asking, uids: list[str]) -> tuple[list[Event], str]:
    """The raw events; those that the case no longer has are told of."""
    from kazami.store.read import events

    try:
        with asking.desk.opened() as case:
            told = events(case, uids)
    except CaseError as error:
        return [], str(error)
    return [Event(uid, dict(fields)) for uid, fields in told.items()], ""


RESOURCES = (
    Resource("/findings", "findings", "Findings by facet and full text", listed, Findings, Query),
    Resource("/findings/{uid}", "finding", "One finding with its rule and its raw events", shown, Proof),
)
