"""``kazami rare`` and ``kazami inspect --tenant`` as people use them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.survey.cases import made

from program import Program


def test_learned_and_shown(run: Program, tmp_path: Path) -> None:
    rows = [
        {"time": f"2026-03-0{day}T08:00:00", "host": "PC1", "Image": "C:\\a.exe", "ParentImage": "C:\\b.exe"}
        for day in (1, 2)
    ]
    made(tmp_path / "case", {"process_creation": rows}).close()
    where = ["--memories", tmp_path / "memories"]
    assert "2 days of hosts learned" in run("rare", "learn", tmp_path / "case", *where).ended(0).err
    told = run("rare", "show", tmp_path / "case", *where).ended(0)
    assert told.rows == []
    assert "too few for anything to be rare" in told.err


def test_files_of_a_tenant(run: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "a.txt").write_text("nothing at all")
    run("inspect", tmp_path / "a.txt", "--learn").ended(2)
    run("inspect", tmp_path / "a.txt", "--tenant", "t", "--learn").ended(0)
    assert (tmp_path / "data" / "kazami" / "memories" / "t.memory").exists()
    assert run("inspect", tmp_path / "a.txt", "--tenant", "t").ended(0).rows[0]["verdict"] == "clean"
