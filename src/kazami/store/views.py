"""SQL views: one a log source, and the words of rules and evidence beside what is known by id only.

A log source is a table of events, a category or a service: ``process_creation`` is what Sysmon wrote and what
Security 4688 says of the same, ``security`` all that the Security log holds. Names differ in case only where
SQL cannot tell them apart, so they are one. Our own views keep their names; a log source that is named like one
gets ``_events`` behind it.

A field that is called like a column of the envelope, in any case (Sysmon's ``User``), stands behind it as
``User_1``: the envelope's column comes first, and SQL does not tell ``user`` from ``User``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from kazami.model.event import ENVELOPE
from kazami.model.finding import LEVELS
from kazami.store.names import identifier, literal
from kazami.store.schema import TABLES

if TYPE_CHECKING:
    from kazami.store.database import Database

#: The rank of a level in SQL: 1 is the weakest.
RANK = f"list_position({list(LEVELS)}, level)"

_NAMES = "SELECT uid, tenant, arg_min(name, seq) AS name FROM kase.evidence GROUP BY ALL"

#: Rows that a piece of evidence has in a segment, and duplicates that its writer left out.
_CONTENT = """SELECT tenant, k.key AS evidence, k.value AS kept, 0 AS dropped
        FROM kase.segment, unnest(map_entries(kept)) t(k)
    UNION ALL
    SELECT tenant, d.key AS evidence, 0 AS kept, d.value AS dropped
        FROM kase.segment, unnest(map_entries(dropped)) t(d)"""

_EVIDENCE = f"""SELECT e.uid, e.name, e.tenant, e.format, e.size,
        coalesce(c.kept, 0) - coalesce(d.n, 0) AS events, coalesce(c.dropped, 0) + coalesce(d.n, 0) AS duplicates,
        coalesce(r.n, 0) AS rejects, e.state, e.note, e.seq
    FROM kase.evidence e
    LEFT JOIN (SELECT evidence, tenant, sum(kept)::BIGINT AS kept, sum(dropped)::BIGINT AS dropped
        FROM ({_CONTENT}) GROUP BY ALL) c ON c.evidence = e.uid AND c.tenant = e.tenant
    LEFT JOIN (SELECT evidence, tenant, count(*) AS n FROM kase.duplicate WHERE NOT projected GROUP BY ALL) d
        ON d.evidence = e.uid AND d.tenant = e.tenant
    LEFT JOIN (SELECT evidence, name, sum(count)::BIGINT AS n FROM kase.reject GROUP BY ALL) r
        ON r.evidence = e.uid AND r.name = e.name"""  # noqa: S608 - ours

#: Evidence that was read with the rules of today. Of all other evidence, what an older version of a rule found still
#: stands, unless the version of today found something in it, too.
_JUDGED = """SELECT evidence, tenant FROM kase.part WHERE done AND split_part(ruleset, ':', 1) =
        (SELECT split_part(arg_max(ruleset, id), ':', 1) FROM kase.run)"""
_SUCCEEDED = """SELECT o.rule_id, o.evidence, o.tenant FROM kase.finding o
        JOIN kase.rule n ON n.id = o.rule_id AND n.version = o.rule_version AND n.current
        WHERE o.rule_id IN (SELECT id FROM kase.rule WHERE NOT current)"""

_FINDING = f"""SELECT f.*, n.name AS evidence_name, coalesce(r.title, f.rule_id) AS title,
        coalesce(r.level, 'informational') AS level, coalesce(r.kind, 'rule') AS kind, r.status, r.techniques,
        r.tactics, r.tags, r.description, r.author, r.falsepositives, r."references"
    FROM kase.finding f
    LEFT JOIN kase.rule r ON r.id = f.rule_id AND r.version = f.rule_version
    LEFT JOIN ({_NAMES}) n ON n.uid = f.evidence AND n.tenant = f.tenant
    WHERE r.id IS NULL OR r.current OR ((f.evidence, f.tenant) NOT IN ({_JUDGED})
        AND (f.rule_id, f.evidence, f.tenant) NOT IN ({_SUCCEEDED}))"""  # noqa: S608 - ours

_LOG_SOURCE = """SELECT s."table" AS name, s.tenant, s.projected, sum(s.rows)::BIGINT - coalesce(any_value(d.n), 0)
        AS events, min(s.first) AS first, max(s.last) AS last, count(*) AS files, sum(s.bytes)::BIGINT AS bytes,
        list_sort(list_distinct(flatten(list(s.columns)))) AS columns
    FROM kase.segment s
    LEFT JOIN (SELECT g."table", x.tenant, x.projected, count(*) AS n FROM kase.duplicate x
        JOIN kase.segment g ON g.id = x.segment GROUP BY ALL) d
        ON d."table" = s."table" AND d.tenant = s.tenant AND d.projected = s.projected
    GROUP BY ALL ORDER BY ALL"""

#: Views that every case has, as SQL over the tables of the database ``kase``.
FIXED: dict[str, str] = {
    "finding": _FINDING,
    "finding_raw": "FROM kase.finding",
    "evidence": _EVIDENCE,
    "log_source": _LOG_SOURCE,
    "segment": "SELECT * EXCLUDE (prints) FROM kase.segment",
    **{
        name: f"FROM kase.{name}"
        for name in (
            "blind",
            "duplicate",
            "incident",
            "incident_change",
            "incident_finding",
            "incident_link",
            "match",
            "part",
            "reject",
            "rejected_rule",
            "rule",
            "run",
            "segment",
            "skeleton",
        )
    },
}

EVENT = "event"

#: The name of a column where a table is described.
_COLUMN = re.compile(r'(?:^|,\s+)("?\w+"?) [A-Z]')


@dataclass(slots=True)
class _Files:
    """Segments of one view: those without duplicates, those that hold some beside others."""

    name: str
    clean: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)


def younger(database: Database) -> list[str]:
    """Tables that a case of an older version does not have; nothing was ever in them."""
    return sorted(set(TABLES) - database.tables)


def _empty(table: str) -> str:
    columns = _COLUMN.findall(TABLES[table])
    return f"SELECT {', '.join(f'NULL AS {name}' for name in columns)} WHERE false"


class Views:
    """The views of a case, and the SQL that makes them. `root` is where the segments lie."""

    def __init__(self, database: Database, root: str) -> None:
        self._root = root
        self._folder = database.case
        self._younger = set(younger(database))
        self._segments = database.rows(
            """SELECT s.path, s."table", s.sources, s.projected, s.rows, coalesce(d.n, 0) AS left_out
            FROM kase.segment s
            LEFT JOIN (SELECT segment, count(*) AS n FROM kase.duplicate GROUP BY ALL) d ON d.segment = s.id
            ORDER BY s.id"""
        )
        self._sources = self._by_name()
        self._tables = self._by_table()

    @property
    def names(self) -> list[str]:
        """All names, ours first."""
        return [*FIXED, EVENT, *sorted(files.name for files in self._sources.values())]

    def sql(self, name: str) -> str | None:
        """The query of the view `name`, in any case of letters; None where there is none."""
        key = name.lower()
        if key == "finding":
            from kazami.store.suppressed import marked  # which is made of our own query

            return marked(self._folder)
        if key in FIXED:
            return FIXED[key] if key not in self._younger else _empty(key)
        if key == EVENT:
            return self._event()
        files = self._sources.get(key) or self._tables.get(key)
        return None if files is None else self._query(files)

    def filled(self, name: str, columns: Sequence[str]) -> str:
        """The query of the view `name` with all of `columns`; what the case does not have is null, or no row."""
        padding = ", ".join(f"NULL::VARCHAR AS {identifier(c)}" for c in columns if c not in ENVELOPE.names)
        empty = f"SELECT {_typed()}{', ' if padding else ''}{padding} WHERE false"
        sql = self.sql(name)
        return empty if sql is None else f"{empty}\nUNION ALL BY NAME\nSELECT * FROM ({sql})"

    def _by_name(self) -> dict[str, _Files]:
        found: dict[str, _Files] = {}
        for row in self._segments:
            for name in names_of(row["table"], row["sources"], row["projected"]):
                shown = f"{name}_events" if name.lower() in {*FIXED, EVENT} else name
                self._add(found.setdefault(shown.lower(), _Files(shown)), row)
        return found

    def _by_table(self) -> dict[str, _Files]:
        """Each table alone, under the name that `part_of` gives it; `names` does not list them."""
        found: dict[str, _Files] = {}
        for row in self._segments:
            name = part_of(row["table"], row["projected"])
            self._add(found.setdefault(name.lower(), _Files(name)), row)
        return found

    def _add(self, files: _Files, row: dict[str, Any]) -> None:
        if not row["left_out"]:
            files.clean.append(f"{self._root}/{row['path']}")
        elif row["left_out"] < row["rows"]:
            files.mixed.append(f"{self._root}/{row['path']}")

    def _query(self, files: _Files, columns: str = "*") -> str:
        # Files differ in their fields, never in the envelope: then only the first is asked what it has.
        by_name = ", union_by_name = true" if columns == "*" else ""
        parts = []
        if files.clean or not files.mixed:
            parts.append(f"SELECT {columns} FROM {_read(files.clean, by_name)}")  # noqa: S608 - quoted where it is made
        if files.mixed:
            shown = columns.replace("*", "* EXCLUDE (kazami_segment)")
            parts.append(
                f"""SELECT {shown} FROM {_read(files.mixed, f"{by_name}, filename = 'kazami_segment'")} e
                WHERE NOT EXISTS (SELECT 1 FROM kase.duplicate d JOIN kase.segment s ON s.id = d.segment
                WHERE d.event_uid = e.event_uid AND {literal(self._root + "/")} || s.path = e.kazami_segment)"""  # noqa: S608
            )
        return "\nUNION ALL BY NAME\n".join(parts)

    def _event(self) -> str:
        tables: dict[str, _Files] = {}
        for row in self._segments:
            if not row["projected"]:
                self._add(tables.setdefault(row["table"], _Files(row["table"])), row)
        envelope = ", ".join(identifier(name) for name in ENVELOPE.names)
        queries = [
            self._query(files, f'{literal(files.name)} AS "table", {envelope}') for files in tables.values()
        ]
        return "\nUNION ALL BY NAME\n".join(queries) or f'SELECT NULL AS "table", {_nothing()} WHERE false'


def part_of(table: str, projected: bool) -> str:
    """The view of the events of a table alone: ``own security`` those recorded there, ``fed ...`` those fed from others."""
    return f"{'fed' if projected else 'own'} {table}"


def _read(files: Sequence[str], options: str) -> str:
    if not files:
        return f"(SELECT {_nothing()} WHERE false)"
    names = ", ".join(literal(file) for file in files)
    return f"read_parquet([{names}], hive_partitioning = false{options})"


def _nothing() -> str:
    return ", ".join(f"NULL::VARCHAR AS {identifier(name)}" for name in ENVELOPE.names)


def _typed() -> str:
    types = {"time": "TIMESTAMPTZ", "record": "BIGINT"}
    return ", ".join(f"NULL::{types.get(n, 'VARCHAR')} AS {identifier(n)}" for n in ENVELOPE.names)


@cache
def names_of(table: str, sources: str, projected: bool) -> Iterable[str]:
    """The log sources that a segment belongs to: each name once, whatever its case."""
    names: list[str | None] = [table]
    for _, category, service in json.loads(sources):
        names.append(category)
        # A projected event stands in its service once already, where it was not projected.
        names.append(None if projected else service)
    return tuple({name.lower(): name for name in names if name}.values())
