"""Events that several pieces of evidence hold (a backup, a shadow copy, a carved file) count once.

`event_uid` says what the record says, so equal records have equal uids. Which copy stays: that of the evidence
which came first, then the smaller record number. The others are listed in the table ``duplicate``, and every
view and every count leaves them out. Memory is bounded: a first pass groups 8-byte hashes, and spills; a
second, exact pass looks only at events whose hash was seen twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kazami.store.names import literal

if TYPE_CHECKING:
    from kazami.store.case import Case

_KEY = "deduplicated"


def find(case: Case) -> int:
    """List all duplicates anew if segments came since the last time; how many there are."""
    database = case.database
    state = database.rows(
        f"SELECT (SELECT max(id) FROM segment) AS last, (SELECT value FROM meta WHERE key = '{_KEY}') AS seen"  # noqa: S608
    )[0]
    last = state["last"] or 0
    if last > int(state["seen"] or 0):
        database.widen()
        with case.require_writer().changing(), database.transaction():
            database.run("DELETE FROM duplicate")
            for projected in (False, True):
                _find(case, projected)
            database.run("DELETE FROM meta WHERE key = ?", [_KEY])
            database.run("INSERT INTO meta VALUES (?, ?)", [_KEY, str(last)])
    return int(database.rows("SELECT count(*) AS n FROM duplicate WHERE NOT projected")[0]["n"])


def _find(case: Case, projected: bool) -> None:
    """Projected events are told apart by table, too: one record may feed several."""
    database = case.database
    paths = database.rows("SELECT path FROM segment WHERE projected = ? ORDER BY id", [projected])
    if len(paths) < 2:
        return
    source = parquet(f"{case.root}/{row['path']}" for row in paths)
    salt = ", parse_path(kazami_segment)[-3]" if projected else ""
    database.run(
        f"CREATE TEMP TABLE twice AS SELECT hash(event_uid{salt}) AS h FROM {source} GROUP BY 1 HAVING count(*) > 1"  # noqa: S608
    )
    if database.rows("SELECT count(*) AS n FROM twice")[0]["n"]:
        database.run(
            f"""INSERT INTO duplicate SELECT event_uid, tenant, evidence, record, segment, {projected} FROM (
                SELECT e.event_uid, e.tenant, e.evidence, e.record, s.id AS segment, row_number() OVER (
                    PARTITION BY e.event_uid, {'s."table"' if projected else "1"}
                    ORDER BY v.seq NULLS LAST, e.record, s.id) AS copy
                FROM {source} e
                JOIN segment s ON e.kazami_segment = {literal(case.root)} || '/' || s.path
                LEFT JOIN (SELECT uid, tenant, min(seq) AS seq FROM evidence GROUP BY ALL) v
                    ON v.uid = e.evidence AND v.tenant = e.tenant
                WHERE hash(e.event_uid{salt}) IN (SELECT h FROM twice)
            ) WHERE copy > 1"""  # noqa: S608
        )
    database.run("DROP TABLE twice")


def parquet(files: Iterable[str]) -> str:
    """The table function that reads the envelope of `files`, with the name of the file as ``kazami_segment``."""
    names = ", ".join(literal(file) for file in files)
    return f"read_parquet([{names}], filename = 'kazami_segment', hive_partitioning = false)"
