"""JSON records of every dialect, case by case: alone on a line, and within an array, they must mean the same."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
import yaml
from reads import read
from test_windows_cases import CASES, hold

from kazami.sources import jsonl


def cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*/case.yaml")):
        whole = yaml.safe_load(path.read_text(encoding="utf-8"))
        for record in whole.get("records", ()):
            found.append(pytest.param(record, id=f"{path.parent.name}: {record['about']}"))
    return found


@pytest.mark.parametrize("framing", ["line", "array"])
@pytest.mark.parametrize("case", cases())
def test_case(case: dict[str, Any], framing: str) -> None:
    text = json.dumps(case["record"])
    found = read(jsonl, text if framing == "line" else f"[\n{text}\n,{text}]")
    assert found.rejects == []
    if framing == "array":
        found.events = [event for event in found.events if event["record"] == 2]
    for event in found.events:
        if isinstance(event.get("time"), datetime):
            event["time"] = event["time"].isoformat()
    hold(found, case["expect"])
