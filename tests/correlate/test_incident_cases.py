"""Cases of ``tests/cases/correlate``: findings in, incidents out. A new one takes no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from tests.correlate.made_findings import finding, rule, told

CASES = sorted((Path(__file__).parents[1] / "cases" / "correlate").glob("*/case.yaml"))


def test_there_are_cases() -> None:
    assert len(CASES) >= 10


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_case(path: Path) -> None:
    case: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    names: dict[str, str] = {}
    rows = []
    for number, given in enumerate(case["findings"]):
        name = given.pop("name", f"#{number}")
        row = finding(given.pop("rule"), given.pop("minute", 0), uid=str(number), **given)
        names[row["finding_uid"]] = name
        rows.append(row)
    for hour in range(case.get("background", 72)):  # so that there are hours in which a rule was not true
        rows.append(finding("background", 60 * hour - 10_000, host="elsewhere"))
    case.setdefault("rules", {})["background"] = "informational"
    rules = [rule(name, *said.split()) for name, said in case["rules"].items()]
    found = told(rows, *rules)
    groups: dict[str, list[str]] = {}
    for row in pa.concat_tables(found.members).to_pylist():
        groups.setdefault(row["incident_uid"], []).append(names[row["finding_uid"]])
    assert sorted(sorted(group) for group in groups.values()) == sorted(
        sorted(one) for one in case["incidents"]
    )
    kinds = {row["kind"] for row in pa.concat_tables(found.links).to_pylist()}
    assert set(case.get("ties", [])) <= kinds
    assert not set(case.get("no_ties", [])) & kinds
    for key, wanted in case.get("first", {}).items():
        value = getattr(found.incidents[0], key)
        assert (list(value) if isinstance(value, tuple) else getattr(value, "en", value)) == wanted
