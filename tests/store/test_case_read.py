"""A case in the words of people: findings, figures, events, rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from store_events import DAY, SECURITY, START, batch, findings, rejects, uid

from kazami.errors import UsageError
from kazami.model import attack
from kazami.model.event import LogSource
from kazami.model.result import Blind, Count, EvidenceRow, FindingRow, RejectRow
from kazami.model.rule import Rejected, RuleInfo
from kazami.store import read
from kazami.store.case import Case, Part
from kazami.store.summary import summary

MOMENT = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=START)
HIGH = RuleInfo(
    "r1",
    "v1",
    "Encoded <command>",
    "high",
    description="It says\nwhat.",
    author="A. Nonymous",
    logsource=LogSource("windows", "process_creation", None),
    tags=(
        "attack.t1059.001",
        "attack.execution",
        "attack.T1027",
        "attack.defense_evasion",
        "car.2013-05-004",
    ),
    references=("https://example.com/1",),
    falsepositives=("Admins",),
)
LOW = RuleInfo("r2", "w1", "Something", "low", tags=("attack.t1027",))
STORY = RuleInfo("c1", "x1", "Many", "critical", kind="correlation")


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.open(tmp_path / "case", create=True) as case:
        yield case


@pytest.fixture
def told(case: Case) -> Case:
    """A case with a finding of each rule and more of one, evidence, rejects."""
    run = case.begin(
        version="7",
        ruleset="set",
        command="kazami scan x",
        rules=[HIGH, LOW, STORY],
        rejected=[Rejected("bad.yml", "no detection", "r9", "Bad")],
    )
    evidence = "1" * 16
    rows = [{"event_uid": uid(str(n)), "time": START + n * DAY, "Image": f"{n}.exe"} for n in range(3)]
    run.commit(
        parts=[Part(evidence, 0, None, "default")],
        segments=case.write([batch(rows, evidence=evidence)]),
        evidence=[
            EvidenceRow(evidence, "/x/logs.zip!a.evtx", "default", "evtx", 99, 0, 0, 0, "done", "a note")
        ],
        rejects=rejects([{"name": "/x/logs.zip!a.evtx", "evidence": evidence, "count": 2}]),
        findings=findings(
            [
                {"rule_id": "r2", "rule_version": "w1", "event": "0", "host": "a", "evidence": evidence},
                {
                    "rule_id": "r1",
                    "event": "1",
                    "host": "b",
                    "user": None,
                    "matched": [("CommandLine", "\x1b[31m\x00é")],
                },
                {"rule_id": "r2", "rule_version": "w1", "event": "2", "host": "a", "time": START + 300 * DAY},
                {
                    "rule_id": "c1",
                    "rule_version": "x1",
                    "event": "1",
                    "host": None,
                    "time": None,
                    "tenant": "other",
                },
            ]
        ),
    )
    run.finish(blind=[Blind(LOW, "no events of x")], notes=["a note"], extra={"k": [1]})
    return case


def test_a_finding_in_words(told: Case) -> None:
    rows = list(read.findings(told))
    assert set(rows[0]) == set(FindingRow.__annotations__) - {"suppressed"}
    assert rows[1].pop("attack")["T1027"] == {"name": "Obfuscated Files or Information", "version": "18.1"}
    assert rows[1].pop("mitigations")["now"][0] == "stop-program"
    assert rows[1] == {
        "finding_uid": uid("r1 v1 1"),
        "rule_id": "r1",
        "rule_version": "v1",
        "title": "Encoded <command>",
        "level": "high",
        "kind": "rule",
        "time": "2020-08-26T00:00:00.000001+00:00",
        "tenant": "default",
        "host": "b",
        "user": None,
        "techniques": ["T1059.001", "T1027"],
        "tactics": ["execution", "defense-evasion"],
        "tags": list(HIGH.tags),
        "event_uids": [uid("1")],
        "evidence": "e" * 16,
        "record": 1,
        "table": "process_creation",
        "matched": {"CommandLine": "\x1b[31m\x00é"},
        "description": "It says\nwhat.",
        "author": "A. Nonymous",
        "falsepositives": ["Admins"],
        "references": ["https://example.com/1"],
    }
    assert rows[0]["evidence"] == "/x/logs.zip!a.evtx"
    assert rows[3]["time"] is None


@pytest.mark.parametrize(
    ("asked", "rules"),
    [
        ({}, ["r2", "r1", "r2", "c1"]),
        ({"order": "level"}, ["c1", "r1", "r2", "r2"]),
        ({"order": "level", "limit": 2}, ["c1", "r1"]),
        ({"limit": 0}, []),
        ({"levels": ["high", "critical"]}, ["r1", "c1"]),
        ({"tenant": "other"}, ["c1"]),
        ({"since": MOMENT + timedelta(days=1)}, ["r2"]),
        ({"until": MOMENT + timedelta(microseconds=1)}, ["r2"]),
        ({"since": (MOMENT + timedelta(microseconds=1)).replace(tzinfo=None), "until": MOMENT + timedelta(days=1)}, ["r1"]),
        ({"since": MOMENT.astimezone(None), "levels": ["low"], "tenant": "default"}, ["r2", "r2"]),
        ({"tenant": "' OR true --"}, []),
    ],
)  # fmt: skip
def test_which_findings(told: Case, asked: dict[str, Any], rules: list[str]) -> None:
    assert [row["rule_id"] for row in read.findings(told, **asked)] == rules


def test_a_level_that_is_none(told: Case) -> None:
    with pytest.raises(UsageError, match="'severe' is no level"):
        list(read.findings(told, levels=["severe"]))


def test_other_questions_while_findings_come(told: Case) -> None:
    coming = read.findings(told)
    next(coming)
    assert summary(told).findings == 4
    assert len(list(coming)) == 3


def test_the_summary(told: Case) -> None:
    figures = summary(told)
    assert (figures.case, figures.version, figures.loaded) == (str(told.path), "7", 3)
    assert figures.started is not None
    assert figures.finished is not None
    assert figures.started <= figures.finished <= datetime.now(UTC)
    assert (figures.events, figures.duplicates, figures.findings) == (3, 0, 4)
    assert (figures.first, figures.last) == (MOMENT, MOMENT + timedelta(days=2))
    late = MOMENT + timedelta(days=300)
    assert figures.levels == [
        Count("critical", 1, None, None, "critical"),
        Count("high", 1, MOMENT + timedelta(microseconds=1), MOMENT + timedelta(microseconds=1), "high"),
        Count("low", 2, MOMENT, late, "low"),
    ]
    assert [(c.key, c.label, c.count, c.level) for c in figures.rules] == [
        ("c1", "Many", 1, "critical"),
        ("r1", "Encoded <command>", 1, "high"),
        ("r2", "Something", 2, "low"),
    ]
    assert [(c.key, c.count, c.level) for c in figures.hosts] == [("b", 1, "high"), ("a", 2, "low")]
    assert [(c.key, c.count, c.level) for c in figures.techniques] == [
        ("T1027", 3, "high"),
        ("T1059.001", 1, "high"),
    ]
    assert [(c.key, c.count) for c in figures.users] == [("alice", 3)]
    assert [(c.key, c.count) for c in figures.tenants] == [("other", 1), ("default", 3)]
    assert figures.log_sources == [Count("process_creation", 3, MOMENT, MOMENT + timedelta(days=2))]
    assert sum(count for _, _, count in figures.timeline) == 3
    assert figures.rejects == [RejectRow("/x/logs.zip!a.evtx", "record 1", "cut off", 2)]
    assert figures.rejected_records == 2
    assert figures.evidence == [
        EvidenceRow("1" * 16, "/x/logs.zip!a.evtx", "default", "evtx", 99, 3, 0, 2, "done", "a note")
    ]
    assert figures.rejected_rules == [Rejected("bad.yml", "no detection", "r9", "Bad")]
    named = RuleInfo(LOW.id, LOW.version, LOW.title, LOW.level, LOW.kind, logsource=LOW.logsource)
    assert figures.blind == [Blind(named, "no events of x")]
    assert (figures.notes, figures.extra) == (["a note"], {"k": [1]})


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([0], 60),
        ([0, 3600], 60),
        ([0, 2 * 86400], 900),
        ([0, 30 * 86400], 4 * 3600),
        ([0, 5 * 365 * 86400], 30 * 86400),
        ([-11_644_473_600 - START // 1_000_000, 0], 3650 * 86400),
    ],
)
def test_the_timeline_has_some_two_hundred_bars_at_most(case: Case, spans: list[int], seconds: int) -> None:
    times = [START + span * 1_000_000 for span in spans]
    case.begin(version="1").commit(
        findings=findings([{"event": str(n), "time": time} for n, time in enumerate(times)])
    )
    figures = summary(case)
    assert figures.bucket_seconds == seconds
    assert len(figures.timeline) == len(spans)
    for (start, level, count), time in zip(figures.timeline, times, strict=True):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
        assert start <= moment < start + timedelta(seconds=seconds)
        assert (level, count) == ("informational", 1)


@pytest.mark.parametrize("time", [-(2**62), 2**62, -62_135_596_800_000_000, 253_402_300_799_999_999])
def test_times_beyond_the_calendar(case: Case, time: int) -> None:
    run = case.begin(version="1")
    run.commit(
        segments=case.write([batch([{"time": time}])]), findings=findings([{"time": time}, {"event": "ok"}])
    )
    run.finish()
    figures = summary(case)
    assert (figures.events, figures.findings) == (1, 2)
    assert len(list(read.findings(case))) == 2
    found = read.event(case, uid("default 1"))
    assert found is not None
    assert (found["time"] is None) == (abs(time) == 2**62)


def test_an_empty_case(case: Case) -> None:
    figures = summary(case)
    assert (figures.events, figures.findings, figures.started, figures.timeline) == (0, 0, None, [])
    assert list(read.findings(case)) == []
    assert read.event(case, uid("x")) is None
    with pytest.raises(UsageError, match="has no run 3"):
        summary(case, 3)


def test_an_event_with_everything(case: Case) -> None:
    run = case.begin(version="1")
    rows = [{"Image": "a", "User": "U", "Hashes": ["1", "2"], "raw": "{}"}, {"Image": None}]
    run.commit(segments=case.write([batch(rows), batch([{"x": "y"}], SECURITY, tenant="t")]))
    found = read.events(case, [uid("default 1"), uid("t 1"), uid("nothing")])
    assert set(found) == {uid("default 1"), uid("t 1")}
    one = found[uid("default 1")]
    assert (one["table"], one["Image"], one["User"], one["Hashes"], one["raw"]) == (
        "process_creation",
        "a",
        "U",
        '["1","2"]',
        "{}",
    )
    assert (found[uid("t 1")]["table"], found[uid("t 1")]["x"]) == ("security", "y")
    assert "Image" not in (read.event(case, uid("default 2")) or {})


def test_only_the_version_of_a_rule_that_was_loaded_last_speaks(case: Case) -> None:
    old, new = HIGH, RuleInfo("r1", "v2", "Better", "medium")
    case.begin(version="1", ruleset="a", rules=[old]).commit(
        findings=findings([{"event": "1"}, {"event": "2"}])
    )
    run = case.begin(version="1", ruleset="b", rules=[new])
    run.commit(findings=findings([{"event": "2", "rule_version": "v2"}]))
    assert [(row["title"], row["level"]) for row in read.findings(case)] == [("Better", "medium")]
    assert summary(case).findings == 1
    assert case.database.rows("SELECT count(*) AS n FROM finding") == [{"n": 3}]
    case.begin(version="1", ruleset="a", rules=[old])
    assert [row["title"] for row in read.findings(case)] == ["Encoded <command>"] * 2


def test_what_an_older_version_found_stands_until_its_evidence_is_read_again(case: Case) -> None:
    old, new = HIGH, RuleInfo("r1", "v2", "Better", "medium")
    january, april = (Part(letter * 16, 0, None, "default") for letter in "ea")
    case.begin(version="1", ruleset="a:None:None", rules=[old]).commit(
        parts=[january], findings=findings([{"event": "1"}])
    )
    run = case.begin(version="1", ruleset="b:None:None", rules=[new])
    run.commit(
        parts=[april], findings=findings([{"event": "2", "rule_version": "v2", "evidence": april.evidence}])
    )
    assert sorted(row["title"] for row in read.findings(case)) == ["Better", "Encoded <command>"]
    assert summary(case).findings == 2
    run.commit(parts=[january])  # read again: the rule as it is now finds nothing
    assert [row["title"] for row in read.findings(case)] == ["Better"]


def test_rules_that_are_not_loaded_again_still_speak(case: Case) -> None:
    case.begin(version="1", ruleset="a", rules=[HIGH, LOW]).commit(findings=findings([{}]))
    case.begin(version="1", ruleset="b", rules=[LOW])
    assert [row["title"] for row in read.findings(case)] == ["Encoded <command>"]


def test_words_of_rules_are_those_of_the_model(case: Case) -> None:
    rules = [
        RuleInfo(str(n), "v", f"{n}", tags=tags) for n, tags in enumerate([HIGH.tags, LOW.tags, (), ("x",)])
    ]
    case.begin(version="1", rules=rules)
    for row in case.database.rows("SELECT tags, techniques, tactics FROM rule"):
        assert row["techniques"] == attack.techniques(row["tags"])
        assert row["tactics"] == attack.tactics(row["tags"])


def test_evidence_is_replaced_and_keeps_its_place(case: Case) -> None:
    run = case.begin(version="1")
    for state in ("partial", "done"):
        run.commit(
            evidence=[
                EvidenceRow("1" * 16, "b", "t", "evtx", 1, 0, 0, 0, state),
                EvidenceRow("1" * 16, "a copy of b", "t", "evtx", 1, 0, 0, 0, state),
            ]
        )
    assert [(row.name, row.state) for row in read.evidence_rows(case)] == [
        ("b", "done"),
        ("a copy of b", "done"),
    ]
