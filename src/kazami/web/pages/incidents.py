"""The list of incidents, filtered and sorted; views that a person keeps."""

from __future__ import annotations

from typing import Literal

import msgspec

from kazami.store.browse.clock import micro
from kazami.store.browse.incidents import Asked, Row, count, incidents
from kazami.web.resource import Asking, Resource
from kazami.web.state import notes


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which incidents, in which order. `state` is ``open`` (the default), ``closed`` or ``all``; `owner` ``-`` is nobody."""

    state: Literal["open", "closed", "all"] = "open"
    tenant: str = ""
    severity: str = ""
    verdict: str = ""
    owner: str = ""
    text: str = ""
    entity: str = ""
    since: str = ""
    order: Literal["score", "newest", "oldest"] = "score"
    after: str = ""
    limit: int = 50


class Incidents(msgspec.Struct, frozen=True):
    """A page of incidents, the cursor of the next, and how many there are."""

    rows: list[Row]
    next: str | None
    total: int
    tenants: list[str]
    views: dict[str, str]


def listed(asking: Asking) -> Incidents:
    """Incidents."""
    query: Query = asking.query
    asked = Asked(
        tenant=query.tenant,
        state="" if query.state == "all" else query.state,
        verdict=query.verdict,
        owner=query.owner,
        severity=query.severity,
        text=query.text,
        entity=query.entity,
        since=micro(query.since, "since"),
    )
    page = incidents(asking.reader, asked, order=query.order, after=query.after, limit=query.limit)
    views = notes.views(asking.site.state, asking.person)
    return Incidents(page.rows, page.next, count(asking.reader, asked), asking.reader.tenant_names(), views)


RESOURCES = (Resource("/incidents", "incidents", "Incidents, the gravest first", listed, Incidents, Query),)
