"""Findings, a page at a time: filtered, searched, counted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kazami.errors import UsageError
from kazami.model.finding import LEVELS
from kazami.store.browse import words
from kazami.store.browse.clock import iso
from kazami.store.browse.page import Page, cursor, opened, size_of
from kazami.store.browse.reader import Reader

#: Findings that are looked at to count facets of a filtered list; beyond that a count is "at least".
COUNTED = 5_000

#: Findings that count, those that are silenced, or both.
_SHOWN = {"counted": "f.suppressed IS NULL", "suppressed": "f.suppressed IS NOT NULL", "all": "1"}

#: Values of a facet.
VALUES = 12


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings: of all fields that are set. `since` and `until` are microseconds; `text` is searched for."""

    tenant: str = ""
    level: str = ""  # this level and above
    host: str = ""
    user: str = ""
    rule: str = ""
    source: str = ""
    incident: str = ""
    step: int | None = None  # of the incident
    text: str = ""
    entity: str = ""  # a host, an account, or anything that the findings themselves say
    show: str = "counted"  # or "suppressed", or "all"
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as a list shows it."""

    uid: str
    title: str
    level: str
    time: str | None
    tenant: str
    host: str | None
    user: str | None
    rule: str
    source: str
    evidence: str | None
    record: int | None
    matched: dict[str, str]
    incident: str | None
    step: int | None
    suppressed: str | None = None  # by which suppression


_COLUMNS = """f.id, f.uid, r.title, f.rank, f.time, t.value, h.value, u.value, r.uid, s.value, e.value, f.record, m.matched,
    i.uid, f.step, f.suppressed"""
_JOINS = """JOIN rule r ON r.id = f.rule JOIN name t ON t.id = f.tenant JOIN said m ON m.id = f.said
    JOIN name s ON s.id = f.source LEFT JOIN name h ON h.id = f.host LEFT JOIN name u ON u.id = f.user
    LEFT JOIN name e ON e.id = f.evidence LEFT JOIN incident i ON i.id = f.incident"""


def findings(
    reader: Reader, wanted: Wanted, *, after: str = "", limit: int | None = None, oldest: bool = False
) -> Page[Found]:
    """A page of findings, the newest first. Raises UsageError for what cannot be asked."""
    size = size_of(limit)
    condition, parameters = where(reader, wanted)
    if after:
        condition += f" AND f.id {'>' if oldest else '<'} ?"
        parameters.append(opened(after, [int])[0])
    order = "f.id" if oldest else "f.id DESC"
    ids = reader.rows(
        f"SELECT f.id FROM finding f WHERE {condition} ORDER BY {order} LIMIT ?",
        [*parameters, size + 1],
    )
    chosen = [row[0] for row in ids[:size]]
    rows = _told(reader, chosen, order)
    return Page(rows, cursor(chosen[-1]) if len(ids) > size else None)


def firsts(reader: Reader, incident: str, steps: int) -> dict[int, Found]:
    """Of each of the first `steps` steps of an incident behind the wall its first finding, by number."""
    rows = reader.rows(
        f"SELECT min(f.id) FROM finding f WHERE f.incident = (SELECT id FROM incident WHERE uid = ?) AND f.step <= ? "
        f"AND {reader.wall('f.tenant')} GROUP BY f.step",
        [incident, steps],
    )
    found = _told(reader, [row[0] for row in rows], "f.id")
    return {one.step: one for one in found if one.step is not None}


def finding(reader: Reader, uid: str) -> tuple[Found, list[str]] | None:
    """One finding, and the ids of its events; None where there is none behind the wall."""
    ids = reader.rows(
        f"SELECT id, events FROM finding WHERE uid = ? AND {reader.wall('tenant')}",
        [uid],
    )
    return (_told(reader, [ids[0][0]], "f.id")[0], list(json.loads(ids[0][1]))) if ids else None


def _told(reader: Reader, ids: list[int], order: str) -> list[Found]:
    listed = ", ".join(map(str, ids))
    rows = reader.rows(f"SELECT {_COLUMNS} FROM finding f {_JOINS} WHERE f.id IN ({listed}) ORDER BY {order}")
    return [_found(row) for row in rows]


def _found(row: tuple[Any, ...]) -> Found:
    _, uid, title, rank, time, tenant, host, user, rule, source, evidence, record, matched, *rest = row
    about = (uid, title, LEVELS[rank - 1], iso(time), tenant, host, user)
    return Found(*about, rule, source, evidence, record, json.loads(matched), *rest)


def where(reader: Reader, wanted: Wanted) -> tuple[str, list[Any]]:
    """The condition for `wanted` over ``finding f``, with its parameters; the wall is part of it."""
    if wanted.show not in _SHOWN:
        raise UsageError(f"show: one of {', '.join(_SHOWN)}")
    conditions = [reader.wall("f.tenant"), _SHOWN[wanted.show]]
    parameters: list[Any] = []
    if wanted.host:
        on = reader.spelled("host", wanted.host) or [-1]
        conditions.append(f"f.host = {on[0]}" if len(on) == 1 else f"f.host IN ({', '.join(map(str, on))})")
    for kind in ("tenant", "user", "source"):
        value = getattr(wanted, kind)
        if value:
            conditions.append(f"f.{kind} = ?")
            parameters.append(reader.number(kind, value) or -1)
    if wanted.level:
        if wanted.level not in LEVELS:
            raise UsageError(f"level: one of {', '.join(LEVELS)}")
        ranks = range(LEVELS.index(wanted.level) + 1, len(LEVELS) + 1)
        conditions.append(f"f.rank IN ({', '.join(map(str, ranks))})")
    if wanted.rule:
        conditions.append("f.rule IN (SELECT id FROM rule WHERE uid = ?)")
        parameters.append(wanted.rule)
    if wanted.incident:
        conditions.append("f.incident = (SELECT id FROM incident WHERE uid = ?)")
        parameters.append(wanted.incident)
    if wanted.step is not None:
        conditions.append("f.step = ?")
        parameters.append(wanted.step)
    for bound, sign in ((wanted.since, ">="), (wanted.until, "<")):
        if bound is not None:
            conditions.append(f"f.time {sign} ?")
            parameters.append(bound)
    _searched(reader, wanted, conditions, parameters)
    return " AND ".join(conditions), parameters


def _searched(reader: Reader, wanted: Wanted, conditions: list[str], parameters: list[Any]) -> None:
    """What is looked for in the words of findings."""
    if wanted.entity:
        value, plain = wanted.entity.lower(), reader.plain(wanted.entity)
        names = f"(SELECT id FROM name WHERE kind = ? AND plain IN ({', '.join('?' * len(plain))}))"
        conditions.append(  # three indexes, each asked for itself: one condition with OR would look at all findings
            f"f.id IN (SELECT id FROM finding WHERE host IN {names} UNION ALL "
            f"SELECT id FROM finding WHERE user IN {names} UNION ALL "
            "SELECT id FROM finding WHERE said IN (SELECT rowid FROM said_text WHERE said_text MATCH ?))"
        )
        parameters += ["host", *plain, "user", *plain, words.query(value, whole=True) or '""']
    if wanted.text.strip():
        query = words.query(wanted.text)
        conditions.append(
            "(f.said IN (SELECT rowid FROM said_text WHERE said_text MATCH ?) OR f.rule IN "
            "(SELECT id FROM rule WHERE title LIKE ? ESCAPE '\\'))"
            if query
            else "0"
        )
        parameters += [query, f"%{_plain(wanted.text.strip())}%"] if query else []


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@dataclass(frozen=True, slots=True)
class Facet:
    """How many findings have each value of a dimension; `more` where not all findings were looked at."""

    dimension: str
    values: list[tuple[str, str, int]]  # value, its words, count
    more: bool = False


def facets(reader: Reader, wanted: Wanted) -> list[Facet]:
    """The most frequent values of the findings that are wanted, by dimension; levels the gravest first.

    A host that is spelled in several ways counts once.
    """
    condition, parameters = where(reader, wanted)
    columns = {
        "level": "rank",
        "tenant": "tenant",
        "host": "host",
        "user": "user",
        "rule": "rule",
        "source": "source",
    }
    rows = reader.rows(
        f"SELECT {', '.join(f'f.{c}' for c in columns.values())} FROM finding f WHERE {condition} "
        "ORDER BY f.id DESC LIMIT ?",
        [*parameters, COUNTED],
    )
    more = len(rows) == COUNTED
    found = []
    for position, dimension in enumerate(columns):
        counts: dict[int, int] = {}
        for row in rows:
            if row[position] is not None:
                counts[row[position]] = counts.get(row[position], 0) + 1
        if dimension == "host":
            counts = _once(reader, counts)
        top = sorted(counts.items(), key=lambda one: (-one[0] if dimension == "level" else -one[1], one[0]))[
            :VALUES
        ]
        found.append(Facet(dimension, [(*_said(reader, dimension, key), n) for key, n in top], more))
    return found


def _once(reader: Reader, counts: dict[int, int]) -> dict[int, int]:
    """Counts of hosts by the number of their most frequent spelling."""
    listed = ", ".join(map(str, counts))
    spelled: dict[str, list[int]] = {}
    for number, plain in reader.rows(f"SELECT id, plain FROM name WHERE id IN ({listed}) ORDER BY id"):
        spelled.setdefault(plain, []).append(number)
    return {
        max(same, key=counts.__getitem__): sum(map(counts.__getitem__, same)) for same in spelled.values()
    }


def _said(reader: Reader, dimension: str, key: int) -> tuple[str, str]:
    if dimension == "level":
        return LEVELS[key - 1], LEVELS[key - 1]
    if dimension == "rule":
        uid, title = reader.rows("SELECT uid, title FROM rule WHERE id = ?", [key])[0]
        return uid, title
    value = reader.rows("SELECT value FROM name WHERE id = ?", [key])[0][0]
    return value, value
