"""Figures that were counted when the file was made, added up behind the wall."""

from __future__ import annotations

from dataclasses import dataclass

from kazami.errors import UsageError
from kazami.model.finding import LEVELS
from kazami.store.browse.clock import iso
from kazami.store.browse.reader import Reader
from kazami.store.browse.schema import DIMENSIONS


@dataclass(frozen=True, slots=True)
class Count:
    """How many findings have `value`, their highest level, and when."""

    value: str
    count: int
    level: str
    first: str | None
    last: str | None


def counts(reader: Reader, dimension: str, *, tenant: str = "", limit: int = 100) -> list[Count]:
    """Findings by a dimension (`schema.DIMENSIONS`), the most frequent first; days in their order."""
    if dimension not in DIMENSIONS:
        raise UsageError(f"by: one of {', '.join(DIMENSIONS)}")
    condition, parameters = _of(reader, tenant)
    order = "value DESC" if dimension == "day" else "sum(count) DESC, value"
    rows = reader.rows(
        f"SELECT value, sum(count), max(rank), min(first), max(last) FROM counted WHERE dimension = ? AND {condition} "
        f"GROUP BY value ORDER BY {order} LIMIT ?",
        [dimension, *parameters, limit],
    )
    return [Count(value, n, LEVELS[rank - 1], iso(first), iso(last)) for value, n, rank, first, last in rows]


def _of(reader: Reader, tenant: str) -> tuple[str, list[int]]:
    if not tenant:
        return reader.wall("tenant"), []
    return f"tenant = ? AND {reader.wall('tenant')}", [reader.number("tenant", tenant) or -1]


@dataclass(frozen=True, slots=True)
class Weather:
    """How it stands with a tenant: open incidents by severity, what nobody looks at, findings by day."""

    tenant: str
    worst: str  # the highest severity of an open incident, "" where there is none
    open: dict[str, int]
    unowned: int
    new: int
    findings: int
    last: str | None
    days: list[tuple[str, int]]


def opened(reader: Reader) -> dict[str, int]:
    """Open incidents behind the wall by severity, the gravest first; a severity that none has is left out."""
    rows = reader.rows(
        f"SELECT rank, count(*) FROM incident WHERE state = 'open' AND {reader.wall('tenant')} GROUP BY rank ORDER BY rank DESC"
    )
    return {LEVELS[rank - 1]: n for rank, n in rows}


#: Days that are drawn of a tenant: the last that have findings.
DAYS = 30


def weather(reader: Reader, since: int | None = None) -> list[Weather]:
    """Each tenant behind the wall, the gravest first. `since` are microseconds: what was seen later is new."""
    wall = reader.wall("tenant")
    rows = reader.rows(
        f"SELECT tenant, rank, owner = '', last > ?, count(*) FROM incident WHERE state = 'open' AND {wall} GROUP BY 1, 2, 3, 4",
        [since if since is not None else 1 << 62],
    )
    days: dict[int, list[tuple[str, int]]] = {}
    for tenant, day, n in reader.rows(
        f"SELECT tenant, value, count FROM counted WHERE dimension = 'day' AND {wall} ORDER BY tenant, value"
    ):
        days.setdefault(tenant, []).append((day, n))
    seen = {
        row[0]: row[1:]
        for row in reader.rows(
            f"SELECT tenant, sum(count), max(last) FROM counted WHERE dimension = 'level' AND {wall} GROUP BY tenant"
        )
    }
    found = []
    for number, name in reader.rows(
        f"SELECT id, value FROM name WHERE kind = 'tenant' AND {reader.wall('id')}"
    ):
        mine = [row[1:] for row in rows if row[0] == number]
        levels = {level: sum(n for rank, _, _, n in mine if rank == i + 1) for i, level in enumerate(LEVELS)}
        n, last = seen.get(number, (0, None))
        worst = next((level for level in reversed(LEVELS) if levels[level]), "")
        unowned = sum(one[3] for one in mine if one[1])
        new = sum(one[3] for one in mine if one[2])
        found.append(Weather(name, worst, levels, unowned, new, n, iso(last), days.get(number, [])[-DAYS:]))
    return sorted(found, key=_gravest)


def _gravest(one: Weather) -> tuple[list[int], str]:
    return [-one.open[level] for level in reversed(LEVELS)], one.tenant
