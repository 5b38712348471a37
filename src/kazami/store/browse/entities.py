"""Entities: everything that is known of a host, an account, an address or a file, behind the wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kazami.store.browse.clock import iso
from kazami.store.browse.findings import Wanted, where
from kazami.store.browse.incidents import COLUMNS, Row, row_of
from kazami.store.browse.reader import Reader

#: Incidents of an entity that are told; the gravest.
INCIDENTS = 100


@dataclass(frozen=True, slots=True)
class Entity:
    """What a case says of `value`: by kind of entity, with its incidents."""

    value: str
    kinds: list[str]
    first: str | None
    last: str | None
    findings: int
    incidents: list[Row]


def entity(reader: Reader, value: str) -> Entity | None:
    """What is known of an entity, whatever its kind; None where nothing is."""
    wall, plain = reader.wall("tenant"), reader.plain(value)
    marks = ", ".join("?" * len(plain))
    kinds = reader.rows(
        f"SELECT kind, min(first), max(last) FROM entity WHERE value IN ({marks}) AND {wall} GROUP BY kind ORDER BY kind",
        plain,
    )
    counted = reader.rows(
        "SELECT dimension, sum(count), min(first), max(last) FROM counted WHERE dimension IN ('host', 'user') AND "
        f"value IN (SELECT value FROM name WHERE kind IN ('host', 'user') AND plain IN ({marks})) AND {wall} "
        "GROUP BY dimension",
        plain,
    )
    if not kinds and not counted:
        return None
    times = [row[1:] for row in kinds] + [row[2:] for row in counted]
    names = {"user": "account"}
    return Entity(
        value=value,
        kinds=sorted({row[0] for row in kinds} | {names.get(row[0], row[0]) for row in counted}),
        first=iso(min((one[0] for one in times if one[0] is not None), default=None)),
        last=iso(max((one[1] for one in times if one[1] is not None), default=None)),
        findings=sum(row[1] for row in counted),
        incidents=_incidents(reader, plain),
    )


def _incidents(reader: Reader, plain: list[str]) -> list[Row]:
    marks = ", ".join("?" * len(plain))
    rows: list[tuple[Any, ...]] = reader.rows(
        f"SELECT {COLUMNS} FROM incident i JOIN name t ON t.id = i.tenant WHERE {reader.wall('i.tenant')} AND i.id IN "
        f"(SELECT incident FROM entity WHERE value IN ({marks})) ORDER BY i.score DESC, i.id LIMIT ?",
        [*plain, INCIDENTS],
    )
    return [row_of(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Moment:
    """A finding of an entity: microseconds, the rank of its level from 1, the incident it belongs to."""

    time: int
    rank: int
    incident: str | None


#: Findings of an entity that are drawn, the newest.
MOMENTS = 5000


def moments(reader: Reader, value: str) -> list[Moment]:
    """The findings of an entity that count and have a time, in their order."""
    condition, parameters = where(reader, Wanted(entity=value))
    rows = reader.rows(
        f"SELECT f.time, f.rank, i.uid FROM finding f LEFT JOIN incident i ON i.id = f.incident WHERE {condition} "
        "AND f.time IS NOT NULL ORDER BY f.id DESC LIMIT ?",
        [*parameters, MOMENTS],
    )
    return [Moment(*row) for row in reversed(rows)]


def similar(reader: Reader, text: str, limit: int = 20) -> list[tuple[str, str]]:
    """Entities whose value begins with `text`, each with a kind: what a search box offers."""
    begin = text.lower()
    if not begin:
        return []
    rows = reader.rows(
        f"SELECT DISTINCT kind, value FROM entity WHERE value >= ? AND value < ? AND {reader.wall('tenant')} "
        "AND kind NOT IN ('process', 'rule', 'session') ORDER BY value LIMIT ?",
        [begin, begin + "\U0010ffff", limit],
    )
    return [(kind, value) for kind, value in rows]
