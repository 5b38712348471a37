"""``kazami intel``: show, add, update."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import made
from program import Program

BUNDLE = {
    "type": "bundle",
    "objects": [
        {
            "type": "attack-pattern",
            "id": "attack-pattern--1",
            "name": "Red\u001b[31m",
            "external_references": [{"source_name": "mitre-attack", "external_id": "T1003"}],
        },
        {"type": "malware", "id": "malware--1"},
    ],
}


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZAMI_INTEL", str(tmp_path / "intel"))


def test_the_table_that_is_there(run: Program) -> None:
    rows = {row["what"]: row["value"] for row in run("intel", "show").ended(0).rows}
    assert rows["attack"] == "enterprise-attack 18.1"
    assert "MITRE Corporation" in rows["notice"]
    (row,) = run("intel", "show", "T1574.002").ended(0).rows
    assert (row["attack"], row["more"]["is now"]) == ("18.1", "T1574.001")
    assert "T9999" in run("intel", "show", "T9999").ended(2).err


def test_another_table_comes_in(run: Program) -> None:
    (run.folder / "enterprise-attack-17.1.json").write_text(json.dumps(BUNDLE))
    said = run("intel", "add", "enterprise-attack-17.1.json").ended(0)
    assert "left out: 1 malware without an id of ATT&CK" in said.err
    rows = {row["what"]: row["value"] for row in run("intel", "show").ended(0).rows}
    assert rows["attack"] == "enterprise-attack 17.1"
    shown = run("intel", "show", "T1003").ended(0).out
    assert "\u001b" not in shown


def test_a_table_can_go_to_a_file(run: Program) -> None:
    (run.folder / "b.json").write_text(json.dumps(BUNDLE))
    run("intel", "add", "b.json").ended(2)
    run("intel", "add", "b.json", "--attack-version", "17.0", "--output", "t.bin").ended(0)
    assert (run.folder / "t.bin").stat().st_size > 10
    assert "18.1" in run("intel", "show").ended(0).out
    run("intel", "add", "none.json").ended(2)
    run("intel", "add", ".").ended(2)


def test_an_update_asks_only_https(run: Program) -> None:
    assert "only https" in run("intel", "update", "--url", "http://example.org/b.json").ended(2).err


def test_what_to_do(run: Program) -> None:
    rows = run("intel", "advise", "t1003.003", "T1685.005").ended(0).rows
    assert {row["when"] for row in rows} == {"now", "week", "then"}
    assert next(row for row in rows if row["id"] == "close-account")["techniques"] == [
        "T1003.003",
        "T1685.005",
    ]
    assert "krbtgt" in run("intel", "advise", "T1003.003", "--lang", "ja").ended(0).out
    assert "nothing is known about T9999" in run("intel", "advise", "T9999").ended(0).err
    assert "name a technique" in run("intel", "advise").ended(2).err


def test_what_to_do_about_a_case(run: Program, bench: made.Bench) -> None:
    bench.put("a.jsonl", made.events(*range(9)))
    bench.scan()
    (row,) = run("sql", "case", "select count(*) as n from finding").ended(0).rows
    assert row["n"] == 3
    rows = run("intel", "advise", "--case", "case").ended(0).rows
    (finding, *_) = run("findings", "case").ended(0).rows
    ids = [one for when in ("now", "week", "then") for one in finding["mitigations"][when]]
    assert {row["id"] for row in rows} == set(ids)
