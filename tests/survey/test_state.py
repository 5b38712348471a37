"""What events say of a host: joined by thing, the last word before a day, and what is gone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.survey.cases import made

from kazami.survey.state import known, questions, seen


def test_every_question_can_be_asked_of_a_case_that_has_nothing_and_of_one_that_has_all(
    tmp_path: Path,
) -> None:
    with made(
        tmp_path / "empty", {"other": [{"time": "2026-05-01T00:00:00", "host": "A", "x": "1"}]}
    ) as case:
        assert list(seen(case)) == []
    rows: dict[str, list[dict[str, str]]] = {}
    for question in questions():
        ids = question.get("ids", ["1"])
        common = {"time": "2026-05-01T00:00:00", "host": "A", **dict.fromkeys(question["columns"], "x")}
        rows.setdefault(question["table"], []).extend({**common, "EventID": number} for number in ids)
    with made(tmp_path / "full", rows) as case:
        kinds = {one.item.kind for one in seen(case)}
    assert {"service", "task", "account", "group", "firewall", "driver", "wmi"} <= kinds


def test_words_of_one_thing_are_joined_and_ended(tmp_path: Path) -> None:
    content = "<Task><Exec><Command>u.exe</Command></Exec></Task>"
    rows = {
        "security": [
            {
                "time": "2026-05-01T00:00:00",
                "host": "A",
                "EventID": "4698",
                "TaskName": "\\U",
                "TaskContent": content,
            },
            {
                "time": "2026-05-03T00:00:00",
                "host": "A",
                "EventID": "4699",
                "TaskName": "\\U",
                "TaskContent": "-",
            },
        ],
        "taskscheduler": [{"time": "2026-05-02T00:00:00", "host": "A", "EventID": "140", "TaskName": "\\U"}],
    }
    with made(tmp_path / "case", rows) as case:
        every = list(seen(case))
    before = known(every, datetime(2026, 5, 3, tzinfo=UTC))["default", "a"]["task", "\\u"]
    assert (before.gone, before.item.facts) == (False, {"command": "u.exe"})
    assert known(every)["default", "a"]["task", "\\u"].gone
