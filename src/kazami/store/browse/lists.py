"""Lists of a case: evidence, what could not be read, rules, runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kazami.errors import UsageError
from kazami.model.finding import LEVELS
from kazami.store.browse.clock import iso
from kazami.store.browse.page import Page, cursor, opened, size_of
from kazami.store.browse.reader import Reader


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of evidence, what it was taken for, and what came of it."""

    name: str
    tenant: str
    format: str
    size: int
    events: int
    duplicates: int
    rejects: int
    state: str
    note: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with findings or without; `findings` are those behind the wall."""

    id: str
    title: str
    level: str
    kind: str
    status: str
    logsource: str
    findings: int


def evidence(
    reader: Reader, *, after: str = "", limit: int | None = None, tenant: str = ""
) -> Page[Evidence]:
    """A page of evidence, in the order in which it came."""
    size = size_of(limit)
    condition, parameters = (
        f"{reader.wall('e.tenant')} AND e.seq > ?",
        [opened(after, [int])[0] if after else -1],
    )
    if tenant:
        condition += " AND e.tenant = ?"
        parameters.append(reader.number("tenant", tenant) or -1)
    rows = reader.rows(
        "SELECT e.seq, e.name, t.value, e.format, e.size, e.events, e.duplicates, e.rejects, e.state, e.note FROM evidence e "
        f"JOIN name t ON t.id = e.tenant WHERE {condition} ORDER BY e.seq LIMIT ?",
        [*parameters, size + 1],
    )
    return Page(
        [Evidence(*row[1:]) for row in rows[:size]], cursor(rows[size - 1][0]) if len(rows) > size else None
    )


def rejects(reader: Reader, limit: int = 200) -> list[dict[str, Any]]:
    """What could not be read behind the wall, the largest losses first."""
    names = ("tenant", "name", "place", "reason", "count", "sample")
    rows = reader.rows(
        f"SELECT t.value, r.name, r.place, r.reason, r.count, r.sample FROM reject r LEFT JOIN name t ON t.id = r.tenant "
        f"WHERE {reader.wall('r.tenant')} ORDER BY r.count DESC, r.name LIMIT ?",
        [limit],
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def log_sources(reader: Reader) -> list[dict[str, Any]]:
    """Log sources by tenant behind the wall, with events and times."""
    names = ("tenant", "name", "events", "first", "last")
    rows = reader.rows(
        f"SELECT t.value, s.name, s.events, s.first, s.last FROM log_source s JOIN name t ON t.id = s.tenant "
        f"WHERE {reader.wall('s.tenant')} ORDER BY t.value, s.events DESC, s.name"
    )
    return [dict(zip(names, (*row[:3], iso(row[3]), iso(row[4])), strict=True)) for row in rows]


def rules(
    reader: Reader,
    *,
    text: str = "",
    level: str = "",
    fired: bool = False,
    after: str = "",
    limit: int | None = None,
) -> Page[Rule]:
    """A page of the rules in use, by title."""
    size = size_of(limit)
    conditions: list[str] = ["r.current", _known(reader)]
    parameters: list[Any] = []
    if text:
        conditions.append("(instr(lower(r.title), lower(?)) OR r.uid = ? OR instr(lower(r.words), lower(?)))")
        parameters += [text, text, text]
    if level:
        if level not in LEVELS:
            raise UsageError(f"level: one of {', '.join(LEVELS)}")
        conditions.append("r.rank = ?")
        parameters.append(LEVELS.index(level) + 1)
    if fired:
        conditions.append("c.n > 0")
    if after:
        conditions.append("(r.title, r.id) > (?, ?)")
        parameters += opened(after, [str, int])
    rows = reader.rows(
        f"""SELECT r.title, r.id, r.uid, r.rank, r.kind, r.status, r.logsource, coalesce(c.n, 0) FROM rule r LEFT JOIN
        (SELECT value, sum(count) AS n FROM counted WHERE dimension = 'rule' AND {reader.wall("tenant")} GROUP BY value) c
        ON c.value = r.uid WHERE {" AND ".join(conditions)} ORDER BY r.title, r.id LIMIT ?""",
        [*parameters, size + 1],
    )
    found = [Rule(uid, title, LEVELS[rank - 1], *rest) for title, _, uid, rank, *rest in rows[:size]]
    return Page(found, cursor(*rows[size - 1][:2]) if len(rows) > size else None)


def _known(reader: Reader) -> str:
    """A condition for rules ``r``: what people named is known to those who have findings of it."""
    return (
        "(r.kind <> 'hunt' OR r.uid IN (SELECT value FROM counted WHERE dimension = 'rule' "
        f"AND {reader.wall('tenant')}))"
    )


def rule(reader: Reader, uid: str) -> dict[str, Any] | None:
    """Everything that is said of a rule; None where it is not known."""
    rows = reader.rows(
        "SELECT uid, version, title, rank, kind, status, logsource, path, words FROM rule r WHERE uid = ? "
        f"AND {_known(reader)} ORDER BY current DESC LIMIT 1",
        [uid],
    )
    if not rows:
        return None
    uid, version, title, rank, kind, status, logsource, path, words = rows[0]
    about = {
        "id": uid,
        "version": version,
        "title": title,
        "level": LEVELS[rank - 1],
        "kind": kind,
        "status": status,
    }
    return {**about, "logsource": logsource, "path": path, **json.loads(words)}


def listed(reader: Reader, name: str, *, after: str = "", limit: int | None = None) -> Page[dict[str, Any]]:
    """A page of ``blind`` rules, ``rejected`` rules, or the runs (``run``) of the case."""
    size = size_of(limit)
    start = opened(after, [int])[0] if after else -1
    rows = reader.rows(
        "SELECT position, row FROM list WHERE name = ? AND position > ? ORDER BY position LIMIT ?",
        [name, start, size + 1],
    )
    return Page(
        [json.loads(row[1]) for row in rows[:size]], cursor(rows[size - 1][0]) if len(rows) > size else None
    )
