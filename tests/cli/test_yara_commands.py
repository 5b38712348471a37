"""YARA rules on the command line: used by inspect and scan alike, listed, measured, and missing rules said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from program import Program

RULE = """rule Needle { meta: author = "A. Author" license = "DRL 1.1" reference = "https://x.example/" score = 70
    strings: $a = "needle in it" condition: $a }
rule Broken { condition: nothing }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yar").write_text(RULE)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "hay.dat").write_bytes(b"\x01\x02hay, and a needle in it\x00")
    (tmp_path / "files" / "plain.dat").write_bytes(b"\x01\x02hay\x00")
    return tmp_path


def test_inspect_shows_the_author_and_what_does_not_load(run: Program, folder: Path) -> None:
    done = run("inspect", folder / "files", "--yara", folder / "rules", "--pack", "common").ended(1)
    rows = {Path(row["name"]).name: row for row in done.rows}
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "hay.dat": "suspicious",
        "plain.dat": "clean",
    }
    (proof,) = rows["hay.dat"]["proofs"]
    assert (proof["rule"], proof["author"], proof["license"]) == ("yara:mine:Needle", "A. Author", "DRL 1.1")
    assert proof["references"] == ["https://x.example/"]
    assert proof["offset"] == 13
    assert "1 YARA rules do not load" in done.err
    assert "Broken: unknown identifier" in done.err
    table = run("inspect", folder / "files", "--yara", folder / "rules", "--format", "table").ended(1)
    assert "by A. Author (DRL 1.1) <https://x.example/>" in " ".join(table.out.split())


def test_a_scan_uses_the_same(run: Program, folder: Path) -> None:
    command = ["scan", folder / "files", "--case", folder / "case", "--format", "jsonl", "--no-report"]
    found: list[dict[str, Any]] = run(*command, "--yara", folder / "rules").ended(3).rows  # no events
    assert [row["title"] for row in found] == ["Needle"]
    assert found[0]["matched"]["offset"] == "13"
    query = "select author, license, \"references\" from rule where title = 'Needle'"
    (rule,) = run("sql", folder / "case", query).ended(0).rows
    assert "A. Author" in json.dumps(rule)
    assert "DRL 1.1" in json.dumps(rule)


def test_settings_name_rules(run: Program, folder: Path) -> None:
    (folder / "k.toml").write_text('[scan]\nyara = ["rules"]\npacks = ["common"]\n')
    rows = run("inspect", folder / "files" / "hay.dat", "--config", folder / "k.toml").ended(1).rows
    assert rows[0]["proofs"][0]["rule"] == "yara:mine:Needle"
    assert "1 rejected" in run("doctor", "--config", folder / "k.toml").ended(1).out


def test_rules_that_are_not_there(run: Program, folder: Path) -> None:
    assert "no such file" in run("inspect", folder / "files", "--yara", folder / "gone").ended(2).err


def test_check_lists_what_loads_and_what_does_not(run: Program, folder: Path) -> None:
    rows = run("rules", "check", folder / "rules").ended(1).rows
    assert [(row["state"], row["id"]) for row in rows] == [
        ("loaded", "yara:Needle"),
        ("rejected", "yara:Broken"),
    ]


def test_profile_shows_the_dearest_first(run: Program, folder: Path) -> None:
    slow = "rule s { condition: for all i in (0..filesize - 1) : (uint8(i) >= 0 and i * i >= 0) }"
    (folder / "rules" / "slow.yar").write_text(slow)
    (folder / "files" / "large.dat").write_bytes(bytes(1 << 20))
    rows = run("rules", "profile", folder / "files", "--yara", folder / "rules").ended(0).rows
    assert [Path(row["path"]).name for row in rows] == ["slow.yar", "mine.yar"]
    assert rows[0]["warnings"] == "potentially slow loop"
    assert run("rules", "profile", folder / "rules", "--yara", folder / "files" / "gone").ended(0).rows == []


def test_cases_of_yara_rules_are_run(run: Program, folder: Path) -> None:
    case = folder / "case.yaml"
    case.write_text(
        "about: x\nyara: rules/ok.yar\nrule: Ok\nsamples:\n- {about: y, match: true, bytes: [z]}\n"
    )
    (folder / "rules" / "ok.yar").write_text('rule Ok { strings: $a = "zz" condition: $a }')
    done = run("rules", "test", case).ended(1)
    assert (done.rows[0]["engine"], done.rows[0]["found"]) == ("yara", "no match")
    case.write_text(case.read_text().replace("[z]", "[zz]"))
    assert run("rules", "test", case).ended(0).rows == []
    case.write_text("about: x\nyara: rules/ok.yar\nrule: Other\nsamples: []\n")
    assert "no such rule" in run("rules", "test", case).ended(2).err
