"""Reading what is stored in large pieces has the memory that it needs."""

from __future__ import annotations

from pathlib import Path

from kazami.store.case import Case


def test_more_memory_for_a_while(tmp_path: Path) -> None:
    asked = "SELECT value FROM duckdb_settings() WHERE name = 'memory_limit'"
    with Case.open(tmp_path / "case", create=True) as case:
        database = case.database
        database.widen()
        before = database.rows(asked)
        with database.room(400 << 20):
            inside = database.rows(asked)
        assert float(inside[0]["value"].split()[0]) > 2 * float(before[0]["value"].split()[0])
        assert database.rows(asked) == before
