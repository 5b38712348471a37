"""``coverage``: what the logging shows."""

from __future__ import annotations

import pytest

from made import Bench, events
from program import Program


@pytest.fixture
def told(run: Program, bench: Bench) -> Program:
    """A case with a Sysmon log of one machine."""
    bench.put("a.jsonl", events(*range(9)))
    bench.scan()
    return run


def test_settings_are_json_lines(told: Program) -> None:
    rows = {row["setting"]: row for row in told("coverage", "case").ended(0).rows if row["kind"] == "setting"}
    assert rows["process-command-line"]["state"] == "on"
    assert rows["process-command-line"]["events"] == 9
    assert rows["process-command-line"]["host"] == "WS01.example.test"
    assert rows["wmi"]["state"] == "unknown"
    assert rows["wmi"]["how"]
    assert (rows["proxy"]["host"], rows["proxy"]["tenant"]) == (None, "default")


def test_rules_that_are_blind_are_named(told: Program) -> None:
    said = told("coverage", "case", "--pack", "common", "--host", "ws01.EXAMPLE.test").ended(0)
    rows = {row["setting"]: row for row in said.rows if row["kind"] == "setting"}
    assert "Security Log Cleared" in rows["security-log"]["rules"]
    assert rows["security-log"]["blind"] == len(rows["security-log"]["rules"])
    assert "proxy" not in rows


def test_a_table_in_both_languages(told: Program) -> None:
    said = told("coverage", "case", "--format", "table").ended(0).out
    assert "Logging, as this evidence shows it" in said
    assert "Process creation" in said
    assert "Done to the logs: 0" in said
    japanese = told("coverage", "case", "--format", "table", "--lang", "ja").ended(0).out
    assert "この証跡から分かるログの設定" in japanese
    one = told("coverage", "case", "--format", "table", "--host", "WS01.example.test").ended(0).out
    assert "how to switch it on" in " ".join(one.split())


def test_a_case_that_is_not_there(run: Program) -> None:
    assert "there is no case" in run("coverage", "nowhere").ended(2).err
