"""``list`` and ``intel lolrmm``: what analysts ask first."""

from __future__ import annotations

import pytest

from made import NOTEPAD, Bench, events
from program import Program


@pytest.fixture
def told(run: Program, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A case with nine events and three findings."""
    monkeypatch.setenv("KAZAMI_INTEL", str(run.folder / "intel"))
    bench.put("a.jsonl", events(*range(9)))
    bench.scan()
    return run


def test_lists_are_json_lines(told: Program) -> None:
    (host,) = told("list", "hosts", "case").ended(0).rows
    assert (host["host"], host["events"], host["findings"]) == ("WS01.example.test", 9, 3)
    (kind,) = told("list", "eventids", "case").ended(0).rows
    assert (kind["event_id"], kind["events"]) == ("1", 9)
    pivots = told("list", "pivots", "case").ended(0).rows
    assert pivots[1]["value"].endswith("whoami.exe")
    assert [row["kind"] for row in told("list", "pivots", "case", "--limit", "1").rows] == ["user", "process"]


def test_nothing_is_said_so(told: Program) -> None:
    said = told("list", "logons", "case").ended(0)
    assert (said.out, said.err) == ("", "kazami: nothing to list\n")


def test_more_is_said_so(told: Program) -> None:
    said = told("list", "pivots", "case", "--limit", "0").ended(0)
    assert len(said.rows) == 3
    assert "nothing" not in said.err


def test_remote_tools_want_their_indicators(told: Program) -> None:
    assert "kazami intel lolrmm FOLDER" in told("list", "remote-tools", "case").ended(2).err
    (told.folder / "tools").mkdir()
    (told.folder / "tools" / "pad.yaml").write_text(
        "Name: Pad\nDetails: {InstallationPaths: [notepad.exe]}\n"
    )
    (told.folder / "tools" / "bad.yaml").write_text("- 1\n")
    said = told("intel", "lolrmm", "tools").ended(0)
    assert {"what": "tools", "value": 1} in said.rows
    assert "bad.yaml: no tool: it has no Name" in said.err
    (row,) = told("list", "remote-tools", "case").ended(0).rows
    assert (row["tool"], row["events"], row["examples"]) == ("Pad", 6, [NOTEPAD])


def test_an_unknown_list(told: Program) -> None:
    assert "remote-tools" in told("list", "secrets", "case").ended(2).err
