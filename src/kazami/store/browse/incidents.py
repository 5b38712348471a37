"""Incidents, a page at a time, and one of them whole."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from kazami.errors import UsageError
from kazami.model.finding import LEVELS
from kazami.model.incident import STATES, VERDICTS, Incident, Link, Text
from kazami.store.browse.clock import iso
from kazami.store.browse.page import Page, cursor, opened, size_of
from kazami.store.browse.reader import Reader

_STORY = msgspec.json.Decoder(Incident)

#: Orders of the list: the columns, each with whether it falls, and the type of its value.
_ORDERS: dict[str, tuple[str, bool, type | tuple[type, ...]]] = {
    "score": ("score", True, (float, int)),
    "newest": ("coalesce(last, 0)", True, int),
    "oldest": ("coalesce(first, 0)", False, int),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which incidents: of all fields that are set. `state` "open" by default, "" for all."""

    tenant: str = ""
    state: str = "open"
    verdict: str = ""
    owner: str = ""
    severity: str = ""  # this severity and above
    text: str = ""
    entity: str = ""
    since: int | None = None  # microseconds; seen at or after


@dataclass(frozen=True, slots=True)
class Row:
    """An incident as a list shows it. Times are microseconds."""

    uid: str
    tenant: str
    title: Text
    state: str
    verdict: str
    owner: str
    severity: str
    score: float
    first: str | None
    last: str | None
    findings: int
    rules: int
    hosts: list[str]
    accounts: list[str]
    tactics: list[str]
    techniques: list[str]


#: What `row_of` makes an incident of.
COLUMNS = """i.uid, t.value, i.title, i.title_ja, i.state, i.verdict, i.owner, i.rank, i.score, i.first, i.last, i.findings,
    i.rules, i.hosts, i.accounts, i.tactics, i.techniques"""


def incidents(
    reader: Reader, asked: Asked, *, order: str = "score", after: str = "", limit: int | None = None
) -> Page[Row]:
    """A page of incidents. Raises UsageError for what cannot be asked."""
    if order not in _ORDERS:
        raise UsageError(f"order: one of {', '.join(_ORDERS)}")
    size = size_of(limit)
    column, falls, kind = _ORDERS[order]
    condition, parameters = where(reader, asked)
    sign, way = ("<", "DESC") if falls else (">", "ASC")
    if after:
        value, number = opened(after, [kind, int])
        condition += (
            f" AND ({column}, -i.id) {sign} (?, ?)" if falls else f" AND ({column}, i.id) {sign} (?, ?)"
        )
        parameters += [value, -number if falls else number]
    order_by = f"{column} {way}, i.id ASC"
    chosen = f"SELECT i.id FROM incident i WHERE {condition} ORDER BY {order_by} LIMIT ?"  # sorted without their words
    rows = reader.rows(
        f"SELECT {COLUMNS}, {column}, i.id FROM incident i JOIN name t ON t.id = i.tenant WHERE i.id IN ({chosen}) "
        f"ORDER BY {order_by}",
        [*parameters, size + 1],
    )
    found = [row_of(row[:-2]) for row in rows[:size]]
    return Page(found, cursor(*rows[size - 1][-2:]) if len(rows) > size else None)


def count(reader: Reader, asked: Asked) -> int:
    """How many incidents there are of those asked for."""
    condition, parameters = where(reader, asked)
    return int(reader.rows(f"SELECT count(*) FROM incident i WHERE {condition}", parameters)[0][0])


def where(reader: Reader, asked: Asked) -> tuple[str, list[Any]]:
    """The condition over ``incident i``, with its parameters; the wall is part of it."""
    conditions = [reader.wall("i.tenant")]
    parameters: list[Any] = []
    _one_of(conditions, parameters, "state", asked.state, STATES)
    _one_of(conditions, parameters, "verdict", asked.verdict, VERDICTS)
    if asked.tenant:
        conditions.append("i.tenant = ?")
        parameters.append(reader.number("tenant", asked.tenant) or -1)
    if asked.owner:
        conditions.append("i.owner = ?")
        parameters.append("" if asked.owner == "-" else asked.owner)
    if asked.severity:
        if asked.severity not in LEVELS:
            raise UsageError(f"severity: one of {', '.join(LEVELS)}")
        conditions.append(f"i.rank >= {LEVELS.index(asked.severity) + 1}")
    if asked.since is not None:
        conditions.append("i.last >= ?")
        parameters.append(asked.since)
    if asked.entity:
        plain = reader.plain(asked.entity)
        marks = ", ".join("?" * len(plain))
        conditions.append(f"i.id IN (SELECT incident FROM entity WHERE value IN ({marks}))")
        parameters += plain
    if asked.text:
        conditions.append(
            "(instr(lower(i.title || ' ' || i.hosts || ' ' || i.accounts), lower(?)) OR instr(i.title_ja, ?) "
            "OR i.uid LIKE ?)"
        )
        parameters += [asked.text, asked.text, f"{asked.text.replace('%', '').replace('_', '')}%"]
    return " AND ".join(conditions), parameters


def _one_of(
    conditions: list[str], parameters: list[Any], column: str, value: str, values: tuple[str, ...]
) -> None:
    if not value:
        return
    if value not in values:
        raise UsageError(f"{column}: one of {', '.join(filter(None, values))}")
    conditions.append(f"i.{column} = ?")
    parameters.append(value)


def row_of(row: tuple[Any, ...]) -> Row:
    """An incident out of the values of `COLUMNS`."""
    uid, tenant, title, title_ja, state, verdict, owner, rank, score, first, last, findings, rules, *lists = (
        row
    )
    about = (state, verdict, owner, LEVELS[rank - 1], score, iso(first), iso(last), findings, rules)
    return Row(uid, tenant, Text(title, title_ja), *about, *(json.loads(text) for text in lists))


def incident(reader: Reader, uid: str) -> Incident | None:
    """The incident that an id, or the beginning of one that no other has, names; whole, with its strongest links.

    None where there is none behind the wall, or several.
    """
    if not uid or not uid.isalnum():
        return None
    rows = reader.rows(
        f"SELECT id, story, state, verdict, owner FROM incident WHERE uid >= ? AND uid < ? AND {reader.wall('tenant')} LIMIT 2",
        [uid, uid + "~"],
    )
    if len(rows) != 1:
        return None
    number, story, state, verdict, owner = rows[0]
    links = reader.rows(
        "SELECT kind, entity, weight, source, target, count, words, words_ja FROM link WHERE incident = ? "
        "ORDER BY weight DESC, kind, entity",
        [number],
    )
    tied = tuple(Link(k, e, w, s, t, n, Text(*words)) for k, e, w, s, t, n, *words in links)
    return replace(_STORY.decode(story), links=tied, state=state, verdict=verdict, owner=owner)


def by_uids(reader: Reader, uids: list[str]) -> list[Row]:
    """Incidents by their ids, in this order; those that are not behind the wall are left out."""
    marks = ", ".join("?" * len(uids))
    rows = reader.rows(
        f"SELECT {COLUMNS} FROM incident i JOIN name t ON t.id = i.tenant WHERE i.uid IN ({marks}) AND {reader.wall('i.tenant')}",
        uids,
    )
    found = {row[0]: row_of(row) for row in rows}
    return [found[uid] for uid in uids if uid in found]
