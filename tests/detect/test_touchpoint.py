"""Touchpoints J1 to J13: each file of `tests/cases/touchpoint` says what is found, what nearly is, and what only looks like it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from kazami import plugins
from kazami.detect import touchpoint
from kazami.detect.touchpoint import QUESTIONS, RULES, act
from kazami.detect.touchpoint.remote import TOOLS, tool_of
from kazami.model.finding import FINDING
from kazami.model.tenant import Directory
from kazami.tenants import load

CASES = Path(__file__).parents[1] / "cases" / "touchpoint"
TENANTS = load(CASES / "tenants.toml")
KEYS = {rule.id: key for key, rule in RULES.items()}
FILES = sorted(CASES.glob("*/case.yaml"))


def cases() -> Iterator[Any]:
    for path in FILES:
        document = yaml.safe_load(path.read_text("utf-8"))
        for name, case in document["cases"].items():
            yield pytest.param(case, id=f"{path.parent.name}: {name}")


def batches(events: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    """Events in the words of the questions, as the store would answer."""
    for question in QUESTIONS:
        schema = question.schema()
        rows = [
            {
                "event_uid": f"{number:032x}",
                "time": datetime.fromisoformat(one["at"]).replace(tzinfo=UTC),
                "evidence": "e",
                "record": number,
                "host": one.get("host"),
                "user": one.get("user"),
                **{
                    name: one.get(name)
                    for name in schema.names
                    if name in one or name in question.columns or name == "EventID"
                },
                "tenant": one["tenant"],
            }
            for number, one in enumerate(events)
            if one["table"] == question.table
        ]
        if rows:
            yield pa.RecordBatch.from_pylist(rows, schema)


def judged(events: list[dict[str, Any]], directory: Directory = TENANTS) -> list[dict[str, Any]]:
    found, _ = touchpoint.judge(batches(events), directory)
    assert found.schema == FINDING
    return [{**row, "rule": KEYS[row["rule_id"]]} for row in found.to_pylist()]


@pytest.mark.parametrize("case", list(cases()))
def test_a_case(case: dict[str, Any]) -> None:
    known = case.get("tenants", True)
    found = judged(case["events"], TENANTS if known else Directory())
    assert sorted((row["rule"], row["tenant"]) for row in found) == sorted(
        (one["rule"], one["tenant"]) for one in case["expect"]
    )
    for one in case["expect"]:
        row = next(row for row in found if (row["rule"], row["tenant"]) == (one["rule"], one["tenant"]))
        matched = dict(row["matched"])
        assert matched.items() >= one.get("matched", {}).items()
        assert len(row["event_uids"]) == one.get("events", len(row["event_uids"]))
        assert row["event_uids"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_each_has_its_four_kinds_of_cases(path: Path) -> None:
    names = list(yaml.safe_load(path.read_text("utf-8"))["cases"])
    for kind in ("positive", "near miss", "look-alike", "empty"):
        assert any(name.startswith(kind) for name in names), kind


def test_every_touchpoint_has_a_file() -> None:
    assert {path.parent.name for path in FILES} == {key.lower() for key in RULES} - {"j1t"}


def test_findings_of_a_tenant_hold_its_own_events_only() -> None:
    """All events of all cases at once: what is not the provider's is made of one tenant's acts."""
    events = [
        event
        for path in FILES
        for case in yaml.safe_load(path.read_text("utf-8"))["cases"].values()
        for event in case["events"]
    ]
    owner = {f"{number:032x}": event["tenant"] for number, event in enumerate(events)}
    for row in judged(events):
        if row["tenant"] != "msp":
            assert {owner[uid] for uid in row["event_uids"]} == {row["tenant"]}


def test_another_tenant_changes_nothing_in_a_tenants_own_findings() -> None:
    events = [
        event
        for path in FILES
        for case in yaml.safe_load(path.read_text("utf-8"))["cases"].values()
        for event in case["events"]
    ]
    alone = [event for event in events if event["tenant"] == "north"]
    rest = [event for event in events if event["tenant"] != "north"]
    key = ("rule", "time", "matched")
    with_others = [row for row in judged([*alone, *rest]) if row["tenant"] == "north"]
    by_itself = [row for row in judged(alone) if row["tenant"] == "north"]
    assert [[row[name] for name in key] for row in with_others] == [
        [row[name] for name in key] for row in by_itself
    ]
    assert len(by_itself) > 5


def test_what_was_not_judged_is_said() -> None:
    events = [
        {
            "table": "security",
            "EventID": "4624",
            "tenant": name,
            "target_name": "a",
            "at": "2026-01-01T00:00:00",
        }
        for name in ("a", "b")
    ]
    _, notes = touchpoint.judge(batches(events), Directory())
    assert "J1" in notes[0]
    assert touchpoint.judge(batches(events), TENANTS)[1] == []


@pytest.mark.parametrize(("tenants", "directory", "idle"), [
    ({"a"}, Directory(), True), ({"a", "b"}, Directory(), False), ({"a"}, TENANTS, False), (set(), Directory(), False),
])  # fmt: skip
def test_where_nothing_can_be_found_it_is_said(tenants: set[str], directory: Directory, idle: bool) -> None:
    assert bool(touchpoint.idle(tenants, directory)) is idle


def test_an_idle_judge_would_have_found_nothing() -> None:
    """Whatever is found without a description needs two tenants: all that is played, played in one, finds nothing."""
    events = [
        {**event, "tenant": "a"}
        for path in FILES
        for case in yaml.safe_load(path.read_text("utf-8"))["cases"].values()
        for event in case["events"]
    ]
    assert len(events) > 100
    assert touchpoint.judge(batches(events), Directory())[0].num_rows == 0


def test_equal_acts_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime(2026, 1, 1)
    events = [
        {
            "table": "security",
            "EventID": "4624",
            "tenant": "a",
            "target_name": "x",
            "host": "h",
            "at": (start + timedelta(seconds=number)).isoformat(),
        }
        for number in range(500)
    ]
    found = act.acts(batches(events))["logon"]
    assert [one.times for one in found] == [500]
    monkeypatch.setattr(act, "MOST", 1)
    later = [*events, {**events[0], "host": "i"}]
    kept = act.acts(batches(later))
    assert (len(kept["logon"]), kept.dropped) == (1, 1)


@pytest.mark.parametrize("tool", list(TOOLS))
def test_a_tool_is_known_by_its_own_name(tool: str) -> None:
    assert tool_of(tool) == tool
    assert tool_of("svchost.exe") == ""


def test_the_detector_is_registered_as_others_would_be() -> None:
    found = {one.name: one for one in plugins.discover(plugins.DETECTORS)}
    assert isinstance(found["touchpoint"].object, plugins.Overall)
