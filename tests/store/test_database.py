"""Reading what is stored in large pieces has the memory that it needs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from kazami.model.event import LogSource, Route
from kazami.store import database, run
from kazami.store.case import Case
from kazami.store.segment import Segment


def test_more_memory_for_a_while(tmp_path: Path) -> None:
    asked = "SELECT value FROM duckdb_settings() WHERE name = 'memory_limit'"
    with Case.open(tmp_path / "case", create=True) as case:
        own = case.database
        own.widen()
        before = own.rows(asked)
        with own.room(400 << 20):
            inside = own.rows(asked)
        assert float(inside[0]["value"].split()[0]) > 2 * float(before[0]["value"].split()[0])
        assert own.rows(asked) == before


def test_fingerprints_of_many_events_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last rows of a table are written anew with all their blobs: a case of more than some ten million events."""
    monkeypatch.setattr(database, "MEMORY", "20MB")
    monkeypatch.setattr(database, "BLOBS", 4 << 20)
    monkeypatch.setattr(run, "_ASK", 100_000)
    route = Route("flow", (LogSource("zeek", None, "conn"),))
    with Case.open(tmp_path / "case", create=True) as case:
        writing = case.begin(version="0", command="")
        for number in range(100):
            prints = random.Random(number).randbytes(8 * 32_000)
            writing.commit(
                segments=[
                    Segment(
                        f"events/{number}.parquet", route, "t", 32_000, None, None, ("a",), 1, prints=prints
                    )
                ]
            )
        writing.finish()
        assert case.database.rows("SELECT count(*) AS n FROM segment") == [{"n": 100}]
