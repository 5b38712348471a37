"""Events that several pieces of evidence hold (a backup, a shadow copy, a carved file) count once.

`event_uid` says what the record says, so equal records have equal uids. Which copy stays: that of the evidence
which came first, then the smaller record number. The others are listed in the table ``duplicate``, and every
view and every count leaves them out.

Every segment brings a fingerprint of 8 bytes for each event; those that occur twice are found by sorting, a bounded
number at a time. Only then are files opened, and only their events with such fingerprints compared exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kazami.store.database import Database, guarded
from kazami.store.known import Fingerprints, contains

if TYPE_CHECKING:
    from kazami.store.case import Case

_KEY = "deduplicated"

#: Fingerprints sorted at a time (8 bytes each), fetched at a time, and rows handed over at a time.
_SORTED, _FETCHED, _ROWS = 1 << 24, 1 << 21, 1 << 16

#: Bytes that the database may take to read one fingerprint: its block, a copy, and what is left of the block.
_READ = 32

_COLUMNS = ["event_uid", "tenant", "evidence", "record"]


_CANDIDATE = """CREATE OR REPLACE TEMP TABLE candidate (event_uid VARCHAR, tenant VARCHAR, evidence VARCHAR,
    record BIGINT, segment INTEGER, "table" VARCHAR)"""

#: All candidates but the first of each event. `table` is null where an event is the same in whatever table it is.
_LEFT_OUT = """INSERT INTO duplicate
    SELECT event_uid, tenant, evidence, record, segment, "table" IS NOT NULL FROM (
        SELECT c.*, row_number() OVER (
            PARTITION BY event_uid, "table" ORDER BY e.seq NULLS LAST, record, segment) AS copy
        FROM candidate c
        LEFT JOIN (SELECT uid, tenant, min(seq) AS seq FROM evidence GROUP BY ALL) e
            ON e.uid = c.evidence AND e.tenant = c.tenant
    ) WHERE copy > 1"""


def find(case: Case) -> int:
    """List all duplicates anew if segments came since the last time; how many there are."""
    database = case.database
    state = database.rows(
        f"SELECT (SELECT max(id) FROM segment) AS last, (SELECT value FROM meta WHERE key = '{_KEY}') AS seen"  # noqa: S608
    )[0]
    last = state["last"] or 0
    if last > int(state["seen"] or 0):
        rows = database.rows("SELECT coalesce(sum(rows), 0)::BIGINT AS n FROM segment")[0]["n"]
        with database.room(rows * _READ):
            database.run(_CANDIDATE)
            for projected in (False, True):
                _gather(case, projected)
        with case.require_writer().changing(), database.transaction():
            database.run("DELETE FROM duplicate")
            database.run(_LEFT_OUT)
            database.run("DELETE FROM meta WHERE key = ?", [_KEY])
            database.run("INSERT INTO meta VALUES (?, ?)", [_KEY, str(last)])
        database.run("DROP TABLE candidate")
    return int(database.rows("SELECT count(*) AS n FROM duplicate WHERE NOT projected")[0]["n"])


def _gather(case: Case, projected: bool) -> None:
    """Put all candidates into the table of that name, some thousand at a time."""
    waiting: list[pa.Table] = []
    for table in _candidates(case, projected):
        waiting.append(table)
        if sum(one.num_rows for one in waiting) >= _ROWS:
            case.database.insert("INSERT INTO candidate BY NAME SELECT * FROM new", pa.concat_tables(waiting))
            waiting = []
    if waiting:
        case.database.insert("INSERT INTO candidate BY NAME SELECT * FROM new", pa.concat_tables(waiting))


def _candidates(case: Case, projected: bool) -> Iterator[pa.Table]:
    """Events whose fingerprint occurs more than once. Projected ones are told apart by table."""
    twice = _twice(case.database, projected)
    if not len(twice):
        return
    for row, prints in _prints(case.database, projected):
        rows = np.flatnonzero(contains(twice, prints))
        if len(rows):
            with guarded(case.path):
                table = pq.ParquetFile(case.path / row["path"]).read(_COLUMNS).take(pa.array(rows))
            table = table.append_column("segment", pa.repeat(row["id"], len(rows)))
            name = pa.scalar(row["table"] if projected else None, pa.string())
            yield table.append_column("table", pa.repeat(name, len(rows)))


def _twice(database: Database, projected: bool) -> Fingerprints:
    """Fingerprints that occur more than once, sorted. With very many events, those of one remainder after the other."""
    total = database.rows(
        "SELECT coalesce(sum(rows), 0)::BIGINT AS n FROM segment WHERE projected = ?", [projected]
    )
    rounds = np.uint64(total[0]["n"] // _SORTED + 1)
    found = []
    for remainder in range(int(rounds)):
        parts = [prints for _, prints in _prints(database, projected)]
        if rounds > 1:
            parts = [prints[prints % rounds == remainder] for prints in parts]
        every = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
        found.append(np.unique(every[1:][every[1:] == every[:-1]]))
    return np.sort(np.concatenate(found))


def _prints(database: Database, projected: bool) -> Iterator[tuple[dict[str, Any], Fingerprints]]:
    """Segments, each with the fingerprints of its rows; equal ones of different tables differ if projected."""
    rows = database.rows(
        'SELECT id, path, "table", rows FROM segment WHERE projected = ? ORDER BY id', [projected]
    )
    start, size = 0, 0
    for stop, row in enumerate(rows, 1):
        size += row["rows"]
        if size >= _FETCHED or stop == len(rows):
            yield from _fetch(database, rows[start:stop], projected)
            start, size = stop, 0


def _fetch(
    database: Database, rows: list[dict[str, Any]], projected: bool
) -> Iterator[tuple[dict[str, Any], Fingerprints]]:
    stored = database.rows(
        "SELECT prints FROM segment WHERE projected = ? AND id BETWEEN ? AND ? ORDER BY id",
        [projected, rows[0]["id"], rows[-1]["id"]],
    )
    for row, one in zip(rows, stored, strict=True):
        prints = np.frombuffer(one["prints"], np.uint64)
        yield row, prints ^ _salt(row["table"]) if projected else prints


def _salt(table: str) -> np.uint64:
    return np.uint64(int.from_bytes(blake2b(table.encode(), digest_size=8).digest(), "little"))
