"""Findings say what held, of which event, and say it again the same way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from event_batch import batch, match, rule

from kazami.detect.sigma import assertion
from kazami.detect.sigma.assertion import LONGEST, MATCH, finding_uid, findings, fuel
from kazami.detect.sigma.expression import ANY, Predicate
from kazami.detect.sigma.match import Matcher
from kazami.detect.sigma.rule import Rule
from kazami.model.finding import FINDING

WHEN = datetime(2020, 10, 5, 22, 43, 58, tzinfo=UTC)
EVENTS: list[dict[str, Any]] = [
    {"Image": "C:\\cmd.exe", "CommandLine": "cmd /c whoami"},
    {"Image": "C:\\calc.exe"},
    {"Image": "C:\\cmd.exe", "CommandLine": "cmd", "Hashes": ["MD5=1", "SHA1=2"]},
]
ENVELOPE = {
    "event_uid": ["a" * 32, "b" * 32, "c" * 32],
    "time": [WHEN, None, WHEN],
    "tenant": ["t1", "t2", "t1"],
    "host": ["h1", "h2", None],
    "user": ["u", None, "u"],
    "evidence": ["e1", "e2", "e1"],
    "record": [7, 8, 9],
}
ENDS = match("Image", ANY, "cmd.exe")


def asserted(*rules: Rule, events: list[dict[str, Any]] = EVENTS) -> pa.Table:
    made = batch(events, envelope=ENVELOPE if events is EVENTS else None)
    return findings(made, list(Matcher(rules).match(made)))


def matched(*rules: Rule, events: list[dict[str, Any]] = EVENTS) -> list[dict[str, str]]:
    return [dict(row) for row in asserted(*rules, events=events).column("matched").to_pylist()]


def test_a_finding_repeats_the_envelope_of_its_event() -> None:
    table = asserted(rule(ENDS, "r1"))
    assert table.schema == FINDING
    assert table.num_rows == 2
    assert table.to_pylist()[0] == {
        "finding_uid": finding_uid("r1", "v", "a" * 32),
        "rule_id": "r1",
        "rule_version": "v",
        "time": WHEN,
        "tenant": "t1",
        "host": "h1",
        "user": "u",
        "logon_id": None,
        "process_uid": None,
        "parent_uid": None,
        "table": "process_creation",
        "event_uids": ["a" * 32],
        "evidence": "e1",
        "record": 7,
        "matched": [("Image", "C:\\cmd.exe")],
    }
    assert table.column("record").to_pylist() == [7, 9]
    assert table.column("event_uids").to_pylist() == [["a" * 32], ["c" * 32]]


def test_uids_name_rule_version_and_events_and_nothing_else() -> None:
    assert finding_uid("r", "v", "e") == "dc4fcf4b02b2265e444ffd998445dc2e"  # for ever: cases hold such
    everything = {
        finding_uid(*parts)
        for parts in (("r", "v", "e"), ("r", "w", "e"), ("s", "v", "e"), ("r", "v", "f"), ("r", "v", "e", "f"), ("rv", "e"))
    }  # fmt: skip
    assert len(everything) == 6
    again = asserted(rule(ENDS, "r1"), rule(match("Image", ANY), "r2"))
    assert (
        again.column("finding_uid").to_pylist()[:2]
        == asserted(rule(ENDS, "r1")).column("finding_uid").to_pylist()
    )
    assert len(set(again.column("finding_uid").to_pylist())) == again.num_rows == 5


def test_only_what_held_is_shown() -> None:
    condition = (
        "and",
        (
            ("or", (ENDS, match("CommandLine", ANY, "nothing"), match("Image", ANY, "calc.exe"))),
            ("not", match("CommandLine", ANY, "whoami", ANY)),
            ("is", Predicate("User", "null", None)),
        ),
    )
    assert matched(rule(condition)) == [{"Image": "C:\\calc.exe"}, {"Image": "C:\\cmd.exe"}]
    both = ("or", (ENDS, match("CommandLine", ANY, "whoami")))
    assert matched(rule(both)) == [
        {"Image": "C:\\cmd.exe", "CommandLine": "cmd /c whoami"},
        {"Image": "C:\\cmd.exe"},
    ]


def test_several_values_are_shown_together_and_a_row_without_any_shows_none() -> None:
    found = matched(rule(("or", (match("Hashes", "SHA1=2"), match("Image", ANY, "calc.exe")))))
    assert found == [{"Image": "C:\\calc.exe"}, {"Hashes": "MD5=1, SHA1=2"}]
    assert matched(rule(("is", Predicate("User", "null", None)))) == [{}, {}, {}]


def test_long_values_are_cut() -> None:
    events = [{"CommandLine": "x" * LONGEST}, {"CommandLine": "y" * (LONGEST + 1)}]
    kept, cut = matched(rule(match("CommandLine", ANY)), events=events)
    assert kept == {"CommandLine": "x" * LONGEST}
    assert cut == {"CommandLine": "y" * LONGEST + "…"}


def test_many_rules_on_many_long_values_are_cut_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assertion, "MOST", 1000)
    monkeypatch.setattr(assertion, "SHORT", 10)
    events = [{"CommandLine": f"{number:04d}" + "x" * 296} for number in range(8)]
    found = matched(
        rule(match("CommandLine", ANY), 1), rule(match("CommandLine", ANY, "x"), 2), events=events
    )
    values = [one["CommandLine"] for one in found]
    assert [len(value) for value in values] == [300] * 4 + [11] * 12
    assert values[4] == "0004xxxxxx…"


def test_rules_that_only_feed_correlations_assert_nothing() -> None:
    silent = rule(ENDS, "silent", report=False)
    assert asserted(silent).schema == FINDING
    assert asserted(silent).num_rows == 0
    assert asserted(silent, rule(ENDS, "loud")).column("rule_id").to_pylist() == ["loud", "loud"]


def test_what_feeds_correlations_carries_the_fields_that_they_need() -> None:
    made = batch(EVENTS, envelope=ENVELOPE)
    matches = list(Matcher([rule(ENDS, "r1", report=False), rule(ENDS, "r2")]).match(made))
    table = fuel(made, matches, {"r1": frozenset({"Hashes", "CommandLine", "host", "time", "Absent"})})
    assert table.schema == MATCH
    assert table.column("rule_id").to_pylist() == ["r1", "r1"]
    assert table.column("event_uid").to_pylist() == ["a" * 32, "c" * 32]
    assert table.column("tenant").to_pylist() == ["t1", "t1"]
    first, second = (dict(row) for row in table.column("fields").to_pylist())
    assert first == {"CommandLine": "cmd /c whoami", "host": "h1", "time": str(WHEN)}
    assert second == {"CommandLine": "cmd", "Hashes": "MD5=1, SHA1=2", "time": str(WHEN)}
    assert fuel(made, matches, {}).num_rows == 0


def test_a_field_called_like_the_envelope_comes_before_it() -> None:
    made = batch([{"host_": "named by the event", "Image": "x"}], envelope={"host": ["computer"], "tenant": ["t"], "evidence": ["e"], "record": [1]})  # fmt: skip
    matches = list(Matcher([rule(match("Image", "x"), "r")]).match(made))
    (fields,) = fuel(made, matches, {"r": frozenset({"host"})}).column("fields").to_pylist()
    assert dict(fields) == {"host": "named by the event"}
