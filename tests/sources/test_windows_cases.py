"""Windows events, case by case: each is read as JSON and as XML and must give the same, as the case says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from reads import Reading, read
from windows_text import as_json, as_xml

from kazami.model.event import LogSource
from kazami.sources import jsonl, xml

CASES = Path(__file__).parents[1] / "cases" / "sources"


def cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*/case.yaml")):
        whole = yaml.safe_load(path.read_text(encoding="utf-8"))
        for event in whole.get("events", ()):
            yield pytest.param({**whole["windows"], **event}, id=f"{path.parent.name}: {event['about']}")


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("case", list(cases()))
def test_case(case: dict[str, Any], form: str) -> None:
    found = read(jsonl, as_json(case)) if form == "json" else read(xml, as_xml(case))
    assert found.rejects == []
    hold(found, case["expect"])


def hold(found: Reading, expected: list[dict[str, Any]]) -> None:
    """All events of `found` are as expected: first the record itself, then what it feeds, in any order."""
    tables = [(event["#table"], event["#route"].projected) for event in found.events]
    wanted = [(each["table"], each.get("projected", False)) for each in expected]
    assert sorted(tables) == sorted(wanted)
    for each, key in zip(expected, wanted, strict=True):
        event = found.events[tables.index(key)]
        assert_event(event, each)


def assert_event(event: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.get("fields", {}).items():
        assert event.get(name) == value, name
    for name in expected.get("absent", ()):
        assert name not in event
    for name, value in expected.get("contains", {}).items():
        texts = event[name] if isinstance(event[name], list) else [event[name]]
        assert any(value in text for text in texts)
    for name, value in expected.get("envelope", {}).items():
        assert event.get(name) == value, name
    for source, serves in [(s, True) for s in expected.get("serves", ())] + [
        (s, False) for s in expected.get("not", ())
    ]:
        rule = LogSource(*(None if part == "*" else part for part in source.split("/")))
        assert any(rule.covers(each) for each in event["#route"].sources) == serves, source


def test_second_events_have_the_identity_of_the_first_and_no_text() -> None:
    event = {"channel": "Security", "id": 4688, "data": {"NewProcessName": "C:\\a.exe"}}
    first, second = read(jsonl, as_json(event)).events
    assert first["event_uid"] == second["event_uid"]
    assert "raw" in first
    assert "raw" not in second
