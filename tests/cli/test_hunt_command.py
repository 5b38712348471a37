"""``hunt``: hunts listed and asked of a case."""

from __future__ import annotations

import pytest

from made import Bench, event, events
from program import Program

CLEAR = r"C:\Windows\System32\wevtutil.exe"


@pytest.fixture
def told(run: Program, bench: Bench) -> Program:
    """A case with a log that was cleared."""
    bench.put(
        "a.jsonl", [*events(*range(3)), event(9, Image=CLEAR, CommandLine="wevtutil cl Security\x1b[31m")]
    )
    bench.scan()
    return run


def test_hunts_are_listed_in_both_languages(run: Program) -> None:
    rows = run("hunt", "list").ended(0).rows
    assert rows[0]["id"] == "H1"
    assert "process_creation" in rows[0]["needs"]
    assert "ログ" in run("hunt", "list", "--lang", "ja", "--pack", "volt_typhoon").ended(0).out


def test_an_answer_is_a_json_line(told: Program) -> None:
    found, blind = told("hunt", "run", "case", "h12", "CS1").ended(0).rows
    assert (found["hunt"], found["state"], len(found["rows"])) == ("H12", "found", 1)
    assert found["rows"][0]["what"].startswith("command: wevtutil cl Security")
    assert found["missing"] == ["security", "system"]
    assert found["next"]
    assert (blind["state"], blind["rows"], blind["missing"]) == ("blind", [], ["http"])


def test_a_person_is_told_how_to_read_it(told: Program) -> None:
    said = told("hunt", "run", "case", "H12", "CS1", "--format", "table").ended(0).out
    assert "Every cleared log  found" in said
    assert "How to read it: The joint advisory asks" in said
    assert "the log is not in this case" in said
    assert "It takes: Collect access logs" in said
    assert "\x1b[31m" not in said
    assert "該当あり" in told("hunt", "run", "case", "H12", "--format", "table", "--lang", "ja").ended(0).out


def test_all_hunts_without_ids(told: Program) -> None:
    rows = told("hunt", "run", "case").ended(0).rows
    assert [row["hunt"] for row in rows] == [row["id"] for row in told("hunt", "list").rows]
    assert {row["state"] for row in rows} <= {"found", "nothing", "partly", "blind"}


def test_what_is_not_there(told: Program) -> None:
    assert "no hunt 'H99'" in told("hunt", "run", "case", "H99").ended(2).err
    assert "no pack 'salt'" in told("hunt", "list", "--pack", "salt").ended(2).err
    assert "there is no case" in told("hunt", "run", "nowhere").ended(2).err


def test_a_broken_hunt_of_an_own_pack_is_named(run: Program) -> None:
    (run.folder / "mine" / "hunts").mkdir(parents=True)
    (run.folder / "mine" / "pack.yml").write_text("name: mine\n")
    (run.folder / "mine" / "hunts" / "x.yml").write_text("id: 7\n")
    said = run("hunt", "list", "--pack", "mine").ended(1)
    assert "x.yml: no hunt: " in said.err
    assert said.out == ""
