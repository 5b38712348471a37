"""People and what they did; for administrators."""

from __future__ import annotations

import msgspec

from kazami.web.resource import Asking, Resource, administrators
from kazami.web.state import audit, people
from kazami.web.state.audit import Line


class Account(msgspec.Struct, frozen=True):
    """Somebody who may sign in; `tenants` empty: all."""

    name: str
    role: str
    tenants: list[str]


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the number of a line: older ones are shown."""

    before: int | None = None
    limit: int = 100


class Log(msgspec.Struct, frozen=True):
    """The log, the newest first; `broken` is the first line that does not follow from the one before."""

    lines: list[Line]
    broken: int | None


def accounts(asking: Asking) -> list[Account]:
    """Everybody."""
    return [Account(p.name, p.role, sorted(p.tenants or ())) for p in people.everybody(asking.site.state)]


def log(asking: Asking) -> Log:
    """The log."""
    state, query = asking.site.state, asking.query
    return Log(
        audit.lines(state, before=query.before, limit=max(1, min(query.limit, 500))), audit.broken(state)
    )


RESOURCES = (
    Resource("/people", "people", "Who may sign in", accounts, list[Account], may=administrators),
    Resource("/audit", "audit", "What people did", log, Log, Query, may=administrators),
)
