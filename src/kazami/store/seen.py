"""What a case holds: the log sources of its events, and the fields these had."""

from __future__ import annotations

import json
from dataclasses import dataclass

from kazami.model.event import ENVELOPE_NAMES, SPELLINGS, LogSource, field_of
from kazami.store.case import Case
from kazami.store.views import names_of, part_of


def seen(case: Case) -> dict[tuple[LogSource, ...], frozenset[str]]:
    """For each kind of event its log sources, with all fields that any of these events had."""
    found: dict[str, set[str]] = {}
    for row in case.database.rows("SELECT sources, columns FROM segment"):
        found.setdefault(row["sources"], set()).update(row["columns"])
    return {
        tuple(LogSource(*source) for source in json.loads(sources)): _fields(columns)
        for sources, columns in found.items()
    }


def tenants_of(case: Case) -> set[str]:
    """Whose events and findings a case holds."""
    rows = case.database.rows("SELECT DISTINCT tenant FROM segment UNION SELECT DISTINCT tenant FROM finding")
    return {row["tenant"] for row in rows}


def views(case: Case) -> dict[str, frozenset[str]]:
    """The log sources by the names that SQL knows them by, in lower case, with the columns that have a value.

    A field that is called like a column of the envelope is named as its view does (`kazami.store.views`).
    """
    found: dict[str, set[str]] = {}
    for row in case.database.rows('SELECT "table", sources, projected, columns FROM segment'):
        columns = {_shown(column) for column in row["columns"]}
        for name in names_of(row["table"], row["sources"], row["projected"]):
            found.setdefault(name.lower(), set()).update(columns)
    return {name: frozenset(columns) for name, columns in found.items()}


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of event: the `view` that holds it and nothing else, and its `columns`, named as in `views`.

    `fed` are events that stand in another table as well, in that table's words; `sources` are their log sources.
    """

    name: str
    view: str
    fed: bool
    columns: frozenset[str]
    sources: tuple[LogSource, ...]


def tables(case: Case) -> list[Table]:
    """What a case holds, part by part: each event once among those that are not `fed`."""
    columns: dict[tuple[str, bool], set[str]] = {}
    sources: dict[tuple[str, bool], dict[LogSource, None]] = {}
    for row in case.database.rows('SELECT "table", projected, sources, columns FROM segment ORDER BY id'):
        key = row["table"], row["projected"]
        columns.setdefault(key, set()).update(_shown(column) for column in row["columns"])
        named = sources.setdefault(key, {})
        named.update((LogSource(*source), None) for source in json.loads(row["sources"]))
    return [
        Table(name, part_of(name, fed), fed, frozenset(found), tuple(sources[name, fed]))
        for (name, fed), found in columns.items()
    ]


def _shown(column: str) -> str:
    clashes = column not in ENVELOPE_NAMES and column.lower() in ENVELOPE_NAMES
    return f"{column}_1" if clashes else column


def _fields(columns: set[str]) -> frozenset[str]:
    named = {field_of(column) for column in columns - ENVELOPE_NAMES}
    return frozenset(named | {name for name, column in SPELLINGS.items() if column in named})
