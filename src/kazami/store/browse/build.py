"""The file that readers browse, made from a case: written beside, then put in place as a whole."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kazami.model.finding import LEVELS
from kazami.store.browse import schema
from kazami.store.browse.reader import PLAIN
from kazami.store.browse.words import searched
from kazami.store.lists import blind_rules, rejected_rules
from kazami.store.suppressed import counted, marked
from kazami.store.views import FIXED, RANK, younger

if TYPE_CHECKING:
    from kazami.store.case import Case

#: Rows that are held in memory at a time.
SIZE = 8192

#: Links of one incident that are kept, the strongest; and rejects of the whole case, the largest.
LINKS, REJECTS = 300, 5000

_FINDINGS = """SELECT f.finding_uid, epoch_us(f.time) AS time, f.tenant, f.host, f."user", f.rule_id, f.rule_version,
    {rank} AS rank, f."table", coalesce(f.evidence_name, f.evidence) AS evidence, f.record,
    to_json(f.event_uids)::VARCHAR AS events, to_json(f.matched)::VARCHAR AS matched, m.incident_uid, m.step, f.suppressed
    FROM ({findings}) f LEFT JOIN kase.incident_finding m ON m.finding_uid = f.finding_uid
    ORDER BY f.time NULLS FIRST, f.finding_uid"""

_INCIDENTS = """SELECT incident_uid, tenant, title, title_ja, state, verdict, owner, severity, score, epoch_us(first) AS first,
    epoch_us(last) AS last, findings, rules, to_json(hosts)::VARCHAR AS hosts, to_json(accounts)::VARCHAR AS accounts,
    to_json(tactics)::VARCHAR AS tactics, to_json(techniques)::VARCHAR AS techniques, story
    FROM kase.incident WHERE state <> 'redirected' ORDER BY score DESC, first, incident_uid"""

_LINKS = f"""SELECT incident_uid, kind, entity, weight, source, target, count, words, words_ja FROM kase.incident_link
    QUALIFY row_number() OVER (PARTITION BY incident_uid ORDER BY weight DESC, kind, entity) <= {LINKS}"""

_ENTITIES = """SELECT tenant, kind, entity, incident_uid, epoch_us(first) AS first, epoch_us(last) AS last FROM kase.skeleton
    UNION SELECT tenant, 'host', lower(unnest(hosts)), incident_uid, epoch_us(first), epoch_us(last) FROM kase.incident
    UNION SELECT tenant, 'account', lower(unnest(accounts)), incident_uid, epoch_us(first), epoch_us(last) FROM kase.incident"""

#: Each dimension of `schema.DIMENSIONS` as an expression over a finding.
_DIMENSIONS = {
    "level": "level",
    "rule": "rule_id",
    "host": "host",
    "user": '"user"',
    "technique": "unnest(techniques)",
    "source": '"table"',
    "day": "strftime(time AT TIME ZONE 'UTC', '%Y-%m-%d')",
}


def build(case: Case, file: Path, *, signature: str) -> None:
    """Write the file for `case` to `file`; what stands there is replaced when all is done.

    `signature` says what of the case it was made of. Raises CaseError, and OSError where the disk is full.
    """
    case.database.widen()
    making = file.with_name(f"{file.name}.{os.getpid()}.new")
    making.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(making, isolation_level=None)) as database:
            database.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 8192;"
            )
            database.executescript(schema.TABLES)
            database.execute("BEGIN")
            _Building(case, database).all(signature)
            database.execute("COMMIT")
            database.executescript(schema.INDEXES)
        making.replace(file)
    finally:
        making.unlink(missing_ok=True)


class _Building:
    """One building: what was given a number so far."""

    def __init__(self, case: Case, database: sqlite3.Connection) -> None:
        self.case = case
        self.database = database
        self.names: dict[tuple[str, str], int] = {}
        self.rules: dict[tuple[str, str], int] = {}
        self.incidents: dict[str, int] = {}
        self.said: dict[str, int] = {}
        self.missing = set(younger(case.database))

    def all(self, signature: str) -> None:
        """Everything, in the order in which one refers to the other."""
        self._rules()
        if not self.missing & {"incident", "incident_finding", "incident_link", "skeleton"}:
            self._incidents()
            self._links()
            self._entities()
        self._findings()
        self._counts()
        self._lists()
        rows = [
            (number, kind, value, PLAIN[kind](value) if kind in PLAIN else None)
            for (kind, value), number in self.names.items()
        ]
        self.database.executemany("INSERT INTO name VALUES (?, ?, ?, ?)", rows)
        about = {"version": str(schema.VERSION), "signature": signature}
        self.database.executemany("INSERT INTO meta VALUES (?, ?)", about.items())

    def _name(self, kind: str, value: str | None) -> int | None:
        return None if value is None else self.names.setdefault((kind, value), len(self.names) + 1)

    def _rows(self, sql: str) -> Iterator[list[tuple[Any, ...]]]:
        for batch in self.case.database.stream(sql, size=SIZE):
            yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))

    def _fill(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        listed = list(rows)
        if listed:
            marks = ", ".join("?" * len(listed[0]))
            self.database.executemany(f"INSERT INTO {table} VALUES ({marks})", listed)

    def _rules(self) -> None:
        for row in self.case.database.rows('SELECT * FROM kase.rule ORDER BY title, id, "version"'):
            number = self.rules.setdefault((row["id"], row["version"]), len(self.rules) + 1)
            logsource = "/".join(filter(None, (row["product"], row["category"], row["service"])))
            rank = LEVELS.index(row["level"]) + 1 if row["level"] in LEVELS else 1
            words = {
                name: row[name]
                for name in (
                    *("description", "author", "date", "tags", "techniques", "tactics", "references"),
                    *("falsepositives", "license", "name"),
                )
            }
            about = (row["id"], row["version"], row["title"], rank, row["kind"], row["status"])
            self._fill(
                "rule",
                [
                    (
                        number,
                        *about,
                        bool(row["current"]),
                        logsource,
                        row["path"],
                        json.dumps(words, ensure_ascii=False),
                    )
                ],
            )

    def _incidents(self) -> None:
        for rows in self._rows(_INCIDENTS):
            made = []
            for uid, tenant, *rest in rows:
                self.incidents[uid] = len(self.incidents) + 1
                rest[5] = LEVELS.index(rest[5]) + 1
                made.append((self.incidents[uid], uid, self._name("tenant", tenant), *rest))
            self._fill("incident", made)

    def _links(self) -> None:
        for rows in self._rows(_LINKS):
            self._fill("link", ((self.incidents[uid], *rest) for uid, *rest in rows if uid in self.incidents))

    def _entities(self) -> None:
        for rows in self._rows(_ENTITIES):
            self._fill(
                "entity",
                (
                    (self._name("tenant", tenant), kind, value, self.incidents[uid], first, last)
                    for tenant, kind, value, uid, first, last in rows
                    if uid in self.incidents and value
                ),
            )

    def _findings(self) -> None:
        number = 0
        for rows in self._rows(_FINDINGS.format(rank=RANK, findings=marked(self.case.path))):
            made = []
            for row in rows:
                number += 1
                made.append(self._finding(number, row))
            self._fill("finding", made)

    def _finding(self, number: int, row: tuple[Any, ...]) -> tuple[Any, ...]:
        (
            uid,
            time,
            tenant,
            on,
            user,
            rule,
            version,
            rank,
            source,
            evidence,
            record,
            events,
            matched,
            *rest,
        ) = row
        names = [self._name(*one) for one in (("tenant", tenant), ("host", on), ("user", user))]
        places = [self._name("source", source), self._name("evidence", evidence), record]
        about = (uid, self._rule(rule, version, rank), rank, time, *names, *places)
        incident = self.incidents.get(rest[0]) if rest[0] else None
        return (number, *about, self._said(matched), events, incident, *rest[1:])

    def _rule(self, rule: str, version: str, rank: int) -> int:
        """The number of a rule; one that the case does not describe is known by its id alone."""
        found = self.rules.get((rule, version))
        if found is None:
            found = self.rules[rule, version] = len(self.rules) + 1
            self._fill("rule", [(found, rule, version, rule, rank, "rule", "", True, "", "", "{}")])
        return found

    def _said(self, matched: str) -> int:
        """The number of what matched: the same words are kept, and searched, once."""
        found = self.said.get(matched)
        if found is None:
            found = self.said[matched] = len(self.said) + 1
            self._fill("said", [(found, matched)])
            values = json.loads(matched)
            words = searched(" \n ".join(str(value) for value in values.values()))
            self.database.execute("INSERT INTO said_text (rowid, words) VALUES (?, ?)", (found, words))
        return found

    def _counts(self) -> None:
        for dimension in schema.DIMENSIONS:
            rows = self.case.database.rows(
                f"""SELECT tenant, key, max(rank) AS rank, count(*) AS count, epoch_us(min(time)) AS first,
                epoch_us(max(time)) AS last FROM (SELECT tenant, time, {RANK} AS rank, {_DIMENSIONS[dimension]} AS key
                FROM ({counted(self.case.path)})) WHERE key IS NOT NULL GROUP BY tenant, key"""
            )
            self._fill(
                "counted",
                (
                    (
                        self._name("tenant", r["tenant"]),
                        dimension,
                        r["key"],
                        r["rank"],
                        r["count"],
                        r["first"],
                        r["last"],
                    )
                    for r in rows
                ),
            )

    def _lists(self) -> None:
        database = self.case.database
        names = "seq, uid, name, tenant, format, size, events, duplicates, rejects, state, note"
        tenants: dict[tuple[str, str], str] = {}
        for row in database.rows(f"SELECT {names} FROM ({FIXED['evidence']}) ORDER BY seq"):
            tenants[row["uid"], row["name"]] = row["tenant"]
            values = {**row, "tenant": self._name("tenant", row["tenant"])}
            self._fill("evidence", [tuple(values.values())])
        for row in database.rows(
            f"SELECT evidence, name, place, reason, count, sample FROM reject ORDER BY count DESC LIMIT {REJECTS}"
        ):
            tenant = tenants.get((row.pop("evidence"), row["name"]))
            self._fill("reject", [(self._name("tenant", tenant), *row.values())])
        for row in database.rows(
            f"""SELECT tenant, name, sum(events)::BIGINT AS events, epoch_us(min(first)) AS first,
            epoch_us(max(last)) AS last FROM ({FIXED["log_source"]}) WHERE NOT projected GROUP BY tenant, name"""
        ):
            self._fill("log_source", [(self._name("tenant", row.pop("tenant")), *row.values())])
        self._rule_lists()

    def _rule_lists(self) -> None:
        last = self.case.database.rows("SELECT max(id) AS id FROM kase.run")[0]["id"]
        if last is None:
            return
        blind = [
            {"id": b.rule.id, "title": b.rule.title, "level": b.rule.level, "reason": b.reason}
            for b in blind_rules(self.case, last)
        ]
        rejected = [
            {"id": r.id, "title": r.title, "path": r.path, "reason": r.reason}
            for r in rejected_rules(self.case, last)
        ]
        runs = self.case.database.rows(
            "SELECT id, version, strftime(started AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS started, "
            "strftime(finished AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS finished, state, loaded, notes "
            "FROM kase.run ORDER BY id DESC LIMIT 100"
        )
        for name, listed in (("blind", blind), ("rejected", rejected), ("run", runs)):
            self._fill(
                "list",
                (
                    (name, position, json.dumps(row, ensure_ascii=False))
                    for position, row in enumerate(listed)
                ),
            )
