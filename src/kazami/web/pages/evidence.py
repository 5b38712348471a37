"""Evidence: what was read, what could not be, which logs there are; and scans that run."""

from __future__ import annotations

from typing import Any

import msgspec

from kazami.store.browse.lists import Evidence, evidence, listed, log_sources, rejects
from kazami.web.resource import Asking, Resource


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the cursor of the next page of evidence."""

    tenant: str = ""
    after: str = ""
    limit: int = 100


class Shown(msgspec.Struct, frozen=True):
    """A page of evidence, what could not be read, the log sources by tenant, and the runs of the case."""

    rows: list[Evidence]
    next: str | None
    rejects: list[dict[str, Any]]
    log_sources: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    tenants: list[str]


def shown(asking: Asking) -> Shown:
    """Evidence."""
    query: Query = asking.query
    page = evidence(asking.reader, after=query.after, limit=query.limit, tenant=query.tenant)
    runs = listed(asking.reader, "run").rows if asking.person.is_provider else []
    return Shown(
        page.rows,
        page.next,
        rejects(asking.reader),
        log_sources(asking.reader),
        runs,
        asking.reader.tenant_names(),
    )


RESOURCES = (Resource("/evidence", "evidence", "What was read and what could not be", shown, Shown, Query),)
