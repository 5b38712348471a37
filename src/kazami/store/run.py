"""One scan's writing into a case: commits, each whole or not at all, and the end."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kazami.model.event import REJECT
from kazami.model.finding import FINDING
from kazami.model.result import Blind, EvidenceRow
from kazami.model.rule import Rejected, RuleInfo
from kazami.store import duplicates, schema, words
from kazami.store.known import Known, fingerprints
from kazami.store.segment import Segment, first_rows

if TYPE_CHECKING:
    from kazami.store.case import Case, Part

_SEGMENT = pa.schema(
    [
        pa.field("id", pa.int64()),
        *(pa.field(name, pa.string()) for name in ("path", "table", "tenant", "sources")),
        pa.field("projected", pa.bool_()),
        pa.field("rows", pa.int64()),
        pa.field("first", pa.timestamp("us", "UTC")),
        pa.field("last", pa.timestamp("us", "UTC")),
        pa.field("columns", pa.list_(pa.string())),
        pa.field("bytes", pa.int64()),
        pa.field("kept", pa.map_(pa.string(), pa.int64())),
        pa.field("dropped", pa.map_(pa.string(), pa.int64())),
        pa.field("prints", pa.binary()),
        pa.field("commit", pa.int64()),
    ]
)
_PART = pa.schema(
    [
        pa.field("evidence", pa.string()),
        pa.field("start", pa.int64()),
        pa.field("stop", pa.int64()),
        pa.field("tenant", pa.string()),
        pa.field("ruleset", pa.string()),
        pa.field("done", pa.bool_()),
        pa.field("commit", pa.int64()),
    ]
)

#: Events between two looks at how many there are.
_ASK = 1 << 20

#: Tables whose rows have a key, as they are given, with the columns of the key.
_KEYED: dict[str, tuple[pa.Schema, tuple[str, ...]]] = {
    "finding": (FINDING, ("finding_uid",)),
    "match": (schema.MATCH, ("rule_id", "rule_version", "event_uid")),
}


class Run:
    """A scan that writes into a case. Made by `Case.begin`; used by one thread."""

    def __init__(self, case: Case, number: int, ruleset: str) -> None:
        self.case = case
        self.number = number
        self._ruleset = ruleset
        self._database = case.database
        self._lock = case.require_writer()
        last = self._database.rows(
            "SELECT (SELECT coalesce(max(id), 0) FROM segment) AS segment, "
            '(SELECT coalesce(max("commit"), 0) FROM (SELECT "commit" FROM segment UNION ALL SELECT "commit" '
            "FROM part)) AS number"
        )[0]
        self._segment, self._commit = last["segment"], last["number"]
        self._unasked = _ASK  # events since the database was asked how many there are
        self._paths: set[str] = set()  # of segments that this run stored
        self._known: dict[str, Known] = {}

    @classmethod
    def begin(
        cls,
        case: Case,
        *,
        version: str,
        command: str,
        ruleset: str,
        rules: Sequence[RuleInfo],
        rejected: Sequence[Rejected],
        started: datetime,
    ) -> Run:
        """See `Case.begin`."""
        lock, database = case.require_writer(), case.database
        database.widen(wide=False)
        last = database.rows("SELECT id, ruleset FROM run ORDER BY id DESC LIMIT 1")
        number = last[0]["id"] + 1 if last else 1
        with lock.changing(), database.transaction():
            database.run(
                "INSERT INTO run VALUES (?, ?, ?, ?, ?, NULL, 'running', ?, [], '{}')",
                [number, version, command, ruleset, started, len(rules)],
            )
            if not ruleset or not last or last[0]["ruleset"] != ruleset:
                words.store(database, rules)
            words.store_rejected(database, number, rejected)
        return cls(case, number, ruleset)

    @classmethod
    def beside(cls, case: Case, *, version: str, command: str = "") -> Run:
        """Writing that belongs to the last run of a case, whose rules and notes stay; of a case without any, a first one."""
        last = case.database.rows("SELECT id, ruleset FROM run ORDER BY id DESC LIMIT 1")
        if last:
            return cls(case, last[0]["id"], last[0]["ruleset"])
        made = case.begin(version=version, command=command)
        made.finish()
        return made

    def commit(
        self,
        *,
        parts: Iterable[Part] = (),
        open_parts: Iterable[Part] = (),
        segments: Sequence[Segment] = (),
        findings: pa.Table | None = None,
        matches: pa.Table | None = None,
        rejects: pa.Table | None = None,
        evidence: Sequence[EvidenceRow] = (),
    ) -> None:
        """Store what belongs together, whole or not at all.

        `parts` are done with it. `open_parts` have events in `segments` and are not done yet: if the scan dies
        before a later commit names them in `parts`, these segments are forgotten, and with them whatever parts
        share one. `findings` (`model.finding.FINDING`) and `matches` (`schema.MATCH`) that are known by
        `finding_uid`, or by rule, version and event, are passed over, as are segments that this run has stored.
        `rejects` are in the words of `model.event.REJECT`. Rows of `evidence` replace those of the same uid,
        tenant and name; their counts are not stored, but counted. Raises CaseError; then nothing was stored.
        """
        self._commit += 1
        self._expect(segments)
        with self._lock.changing(), self._database.transaction():
            self._store_segments(segments)
            self._store_parts([(part, True) for part in parts] + [(part, False) for part in open_parts])
            self._store_new("finding", findings)
            self._store_new("match", matches)
            self._store_rejects(rejects)
            self._store_evidence(evidence)
        self._paths.update(item.path for item in segments)

    def _expect(self, segments: Sequence[Segment]) -> None:
        """Let the database have the memory that the fingerprints of the segments take, when it writes them anew."""
        self._unasked += sum(item.rows for item in segments)
        if self._unasked >= _ASK:
            self._unasked = 0
            most = self._database.rows(
                "SELECT coalesce(max(n), 0)::BIGINT AS n FROM (SELECT sum(rows) AS n FROM segment GROUP BY id // 2048)"
            )[0]["n"]
            self._database.expect(10 * (most + _ASK))  # of 8 bytes each

    def replace_findings(self, rule_ids: Collection[str], findings: pa.Table) -> None:
        """Findings that are derived (correlations, detectors): `findings` are all there are of these rules."""
        with self._lock.changing(), self._database.transaction():
            self._database.insert(
                "DELETE FROM finding WHERE rule_id IN (SELECT id FROM new)",
                pa.table({"id": pa.array(list(rule_ids), pa.string())}),
            )
            self._store_new("finding", findings)

    def learn(self, rules: Sequence[RuleInfo]) -> None:
        """Keep the words of rules that only evidence knows: those of other sensors, whose alerts it holds."""
        with self._lock.changing(), self._database.transaction():
            words.store(self._database, rules)

    def finish(
        self,
        *,
        state: str = "done",
        loaded: int | None = None,
        blind: Sequence[Blind] = (),
        notes: Sequence[str] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """The end of the run: duplicates over all evidence are found, what was said about it is kept.

        `state` is ``done`` or ``stopped``; `loaded` is the number of rules that ran, where it is not that of
        `Case.begin`; `blind` are the rules that this evidence can never make fire; `extra` is JSON-able.
        """
        duplicates.find(self.case)
        with self._lock.changing(), self._database.transaction():
            self._database.run(
                "UPDATE run SET finished = ?, state = ?, loaded = coalesce(?, loaded), notes = ?, extra = ? "
                "WHERE id = ?",
                [datetime.now(UTC), state, loaded, list(notes), json.dumps(dict(extra or {})), self.number],
            )
            words.store_blind(self._database, self.number, blind)

    def _store_segments(self, segments: Sequence[Segment]) -> None:
        if not segments:
            return
        rows = []
        for item in segments:
            if item.path not in self._paths:
                self._segment += 1
                rows.append(_segment_row(item, self._segment, self._commit))
        self._database.insert(
            "INSERT INTO segment BY NAME SELECT * FROM new", pa.Table.from_pylist(rows, _SEGMENT)
        )

    def _store_parts(self, parts: list[tuple[Part, bool]]) -> None:
        if not parts:
            return
        rows = [
            {
                "evidence": part.evidence,
                "start": part.start,
                "stop": part.stop,
                "tenant": part.tenant,
                "ruleset": self._ruleset,
                "done": done,
                "commit": self._commit,
            }
            for part, done in parts
        ]
        self._database.insert("INSERT INTO part BY NAME SELECT * FROM new", pa.Table.from_pylist(rows, _PART))

    def _store_new(self, name: str, table: pa.Table | None) -> None:
        """Rows whose keys the table `name` does not have yet."""
        if table is None or not table.num_rows:
            return
        wanted, keys = _KEYED[name]
        table = table.select(wanted.names)
        known = self._known_of(name)
        prints = fingerprints(table.columns[table.schema.get_field_index(key)] for key in keys)
        condition = ""
        if known.may_have(prints):
            table = first_rows(table, keys)
            same = " AND ".join(f"old.{key} = new.{key}" for key in keys)
            condition = f"WHERE NOT EXISTS (SELECT 1 FROM {name} old WHERE {same})"  # noqa: S608 - names of ours
        self._database.insert(f"INSERT INTO {name} BY NAME SELECT * FROM new {condition}", table)  # noqa: S608
        known.add(prints)

    def _known_of(self, name: str) -> Known:
        """What the table `name` has; too much of it, where a commit failed, only costs time."""
        if name not in self._known:
            known = self._known[name] = Known()
            keys = _KEYED[name][1]
            for batch in self._database.stream(f"SELECT {', '.join(keys)} FROM kase.{name}", size=1 << 17):  # noqa: S608
                known.add(fingerprints(batch.columns))
        return self._known[name]

    def _store_rejects(self, rejects: pa.Table | None) -> None:
        if rejects is None or not rejects.num_rows:
            return
        self._database.insert(
            f"""INSERT INTO reject BY NAME SELECT *, {self._commit} AS "commit" FROM new
            WHERE NOT EXISTS (SELECT 1 FROM reject old WHERE old.evidence = new.evidence
            AND old.name = new.name AND old.place = new.place AND old.reason = new.reason)""",  # noqa: S608
            rejects.select(REJECT.names),
        )

    def _store_evidence(self, evidence: Sequence[EvidenceRow]) -> None:
        if not evidence:
            return
        names = ("uid", "name", "tenant", "format", "size", "state", "note")
        rows = {(row.uid, row.tenant, row.name): row for row in evidence}.values()
        table = pa.table({name: [getattr(row, name) for row in rows] for name in names})
        self._database.insert(
            "INSERT INTO evidence BY NAME SELECT (SELECT coalesce(max(seq), 0) FROM evidence) + "
            "row_number() OVER () AS seq, * FROM new ON CONFLICT (uid, tenant, name) DO UPDATE SET "
            "format = excluded.format, size = excluded.size, state = excluded.state, note = excluded.note",
            table,
        )


def _segment_row(item: Segment, number: int, commit: int) -> dict[str, Any]:
    return {
        "id": number,
        "path": item.path,
        "table": item.route.table,
        "tenant": item.tenant,
        "sources": json.dumps([[s.product, s.category, s.service] for s in item.route.sources]),
        "projected": item.route.projected,
        "rows": item.rows,
        "first": item.first,
        "last": item.last,
        "columns": item.columns,
        "bytes": item.size,
        "kept": list(item.kept.items()),
        "dropped": list(item.dropped.items()),
        "prints": item.prints,
        "commit": commit,
    }
