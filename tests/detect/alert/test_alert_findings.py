"""Alerts of other sensors become findings: each in the words of its product, written by us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from kazami.detect.alert.findings import LEVEL, TAGS, TITLE, findings, words
from kazami.model.finding import FINDING
from kazami.pipeline.look import batches

CASES = sorted((Path(__file__).parents[2] / "cases" / "alerts").glob("*/case.yaml"))


def found(path: Path) -> list[dict[str, Any]]:
    tables = [FINDING.empty_table(), *(findings(batch) for batch in batches([path]))]
    return [row | {"matched": dict(row["matched"])} for row in pa.concat_tables(tables).to_pylist()]


def written(folder: Path, case: dict[str, Any]) -> Path:
    path = folder / case.get("file", "alerts.jsonl")
    lines = case["evidence"]
    path.write_text(lines if isinstance(lines, str) else "".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_there_are_cases() -> None:
    assert len(CASES) >= 9


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_case(path: Path, tmp_path: Path) -> None:
    case: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    told = [
        {
            "rule": row["rule_id"],
            "title": row["matched"][TITLE],
            "level": row["matched"][LEVEL],
            "tags": row["matched"].get(TAGS, ""),
            "host": row["host"],
            "time": row["time"].strftime("%Y-%m-%dT%H:%M:%SZ") if row["time"] else None,
        }
        for row in found(written(tmp_path, case))
    ]
    assert told == case["findings"]


def test_of_several_levels_of_a_rule_the_highest_counts() -> None:
    said = [
        ("v:1", "1", {TITLE: "T", LEVEL: level, TAGS: "attack.impact"}) for level in ("low", "high", "medium")
    ]
    assert [(one.id, one.title, one.level, one.tactics) for one in words(said)] == [
        ("v:1", "T", "high", ["impact"])
    ]


def test_the_same_alert_is_the_same_finding(tmp_path: Path) -> None:
    case = {
        "evidence": [{"alert.title": "Odd", "alert.id": "7", "host": "h1", "time": "2026-03-01T12:00:00Z"}]
    }
    first, again = found(written(tmp_path, case)), found(written(tmp_path, case))
    assert first[0]["finding_uid"] == again[0]["finding_uid"]


@pytest.mark.parametrize("value", [None, "", [], {}, 7, ["a", None], "x" * 100_000, "\ud800", "{}%s{0}"])
def test_strange_values_harm_nothing(tmp_path: Path, value: Any) -> None:
    names = ("alert.title", "alert.id", "alert.level", "alert.technique", "alert.tactic")
    for name in names:
        record = dict.fromkeys(names, "x") | {name: value, "time": "2026-03-01T12:00:00Z"}
        for row in found(written(tmp_path, {"evidence": [record]})):
            assert len(row["rule_id"]) < 500
            assert all(len(one) <= 400 for one in row["matched"].values())


def test_alerts_of_all_kinds_in_one_file_are_told_apart(tmp_path: Path) -> None:
    cases = [yaml.safe_load(path.read_text("utf-8")) for path in CASES]
    mixed = [case for case in cases if isinstance(case["evidence"], list)]
    path = written(tmp_path, {"evidence": [line for case in mixed for line in case["evidence"]]})
    wanted = sorted(one["rule"] for case in mixed for one in case["findings"])
    assert sorted(row["rule_id"] for row in found(path)) == wanted
