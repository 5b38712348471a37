"""Every format: complete, streaming, and harmless whatever the evidence says."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import hostile
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import story
from kazami.errors import UsageError
from kazami.model.result import FindingRow, Summary
from kazami.respond import export
from kazami.respond.export import WRITERS, navigator
from kazami.respond.export.csv import COLUMNS, FORMULA, cell
from kazami.respond.export.sarif import message, uri
from kazami.respond.export.sarif import result as sarif_result

EMPTY = Summary(case="nothing", version="0.1.0")
ROWS = story.story()
SUMMARY = story.summary(ROWS)


def written(name: str, rows: list[FindingRow], summary: Summary = SUMMARY) -> str:
    out = io.StringIO(newline="")
    assert export.write(name, iter(rows), summary, out) == len(rows)
    return out.getvalue()


def sheet(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("name", WRITERS)
def test_no_findings(name: str) -> None:
    text = written(name, [], EMPTY)
    if name in ("sarif", "navigator"):
        json.loads(text)
    assert text == "" or name in ("csv", "sarif", "navigator")


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_active_reaches_a_terminal(name: str) -> None:
    text = written(name, hostile.FINDINGS)
    allowed = "\n\t" if name == "csv" else "\n"
    assert hostile.active(text, allowed) == set()


@pytest.mark.parametrize("name", ["jsonl", "timesketch", "csv", "table", "sarif"])
def test_writers_stream(name: str) -> None:
    out = io.StringIO()
    seen: list[int] = []

    def rows() -> Iterator[FindingRow]:
        for number in range(50):
            seen.append(out.tell())
            yield story.row("lsass", number=number)

    assert WRITERS[name](rows(), SUMMARY, out) == 50
    assert seen == sorted(seen)
    assert len(set(seen[2:])) == len(seen[2:])


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="one of table, jsonl"):
        export.write("pdf", [], EMPTY, io.StringIO())


def test_jsonl_is_whole() -> None:
    rows = [*ROWS, story.row("lsass", matched={"ScriptBlockText": "é" * 1_000_000})]
    assert [json.loads(line) for line in written("jsonl", rows).splitlines()] == rows


@pytest.mark.parametrize("row", hostile.FINDINGS)
def test_jsonl_keeps_hostile_values(row: FindingRow) -> None:
    lines = written("jsonl", [row]).splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0]) == row


def test_csv_has_every_column_and_row() -> None:
    rows = sheet(written("csv", ROWS))
    assert len(rows) == len(ROWS)
    assert list(rows[0]) == list(COLUMNS)
    assert set(COLUMNS) == set(ROWS[0])
    assert rows[0]["matched"] == "IpAddress: 203.0.113.77\nvalue_count: 38\ntimeframe: 10m"
    assert rows[-1]["finding_uid"] == ROWS[-1]["finding_uid"]


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=30))
def test_no_cell_opens_a_formula(text: str) -> None:
    assert not cell(text).startswith(FORMULA)
    assert not cell([text, text]).startswith(FORMULA)
    assert not cell({text: text}).startswith(FORMULA)


@settings(max_examples=50)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_csv_cells_come_back(texts: list[str]) -> None:
    rows = [story.row("lsass", title=text) for text in texts]
    assert [row["title"] for row in sheet(written("csv", rows))] == [cell(text) for text in texts]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\\x0d=1"),
        ("\n=1", "'\n=1"),
        ("＠x", "'＠x"),
        ("1=1", "1=1"),
        (None, ""),
        (7, "7"),
        (["-a", "b"], "'-a\nb"),
        ({"F": "=x"}, "F: =x"),
    ],
)
def test_cells(value: object, expected: str) -> None:
    assert cell(value) == expected


def test_a_cell_fits_a_spreadsheet() -> None:
    text = cell("x" * 1_000_000)
    assert len(text) < 32_767
    assert text.endswith("[... 968000 more characters]")


def sarif(rows: list[FindingRow]) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(written("sarif", rows))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def test_sarif_results_point_to_their_rules() -> None:
    run = sarif(ROWS)
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules) == len(story.RULES)
    assert len(run["results"]) == len(ROWS)
    for row, one in zip(ROWS, run["results"], strict=True):
        rule = rules[one["ruleIndex"]]
        assert rule["id"] == one["ruleId"] == row["rule_id"]
        assert one["fingerprints"] == {"kazami/v1": row["finding_uid"]}
        assert one["level"] == rule["defaultConfiguration"]["level"]
        assert one["properties"]["matched"] == row["matched"]
    levels = {row["level"]: result["level"] for row, result in zip(ROWS, run["results"], strict=True)}
    assert levels == {
        "critical": "error",
        "high": "error",
        "medium": "warning",
        "low": "note",
        "informational": "note",
    }


def test_sarif_rules_have_help_and_unique_tags() -> None:
    for rule in sarif(ROWS)["tool"]["driver"]["rules"]:
        assert "False positives: " in rule["help"]["text"]
        assert "Reference: https://attack.mitre.org/" in rule["help"]["text"]
        assert len(set(rule["properties"]["tags"])) == len(rule["properties"]["tags"])


def test_sarif_tells_what_could_not_be_read() -> None:
    (invocation,) = sarif(ROWS)["invocations"]
    said = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    assert any("wrong password" in text for text in said)
    assert any("chunk 318" in text for text in said)
    assert len(invocation["toolConfigurationNotifications"]) == 2
    assert invocation["startTimeUtc"] == "2024-03-22T01:17:09Z"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/evidence/a b.evtx", "file:///evidence/a%20b.evtx"),
        ("logs.zip!x.evtx", "logs.zip!x.evtx"),
        ("C:\\logs\\x#1.evtx", "file:///C:/logs/x%231.evtx"),
        ("\\\\server\\share\\x", "file://server/share/x"),
        ("a:b/c", "a%3Ab/c"),
        ("証跡.evtx", "%E8%A8%BC%E8%B7%A1.evtx"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_sarif_names_are_uris(name: str, expected: str) -> None:
    assert uri(name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\\b", "a\\b"),
        ("[x](http://e)", "\\[x\\](http://e)"),
        ("\\[x\\](http://e)", "\\\\\\[x\\\\\\](http://e)"),
        ("{0}", "{{0}}"),
    ],
)
def test_sarif_messages_have_no_links_and_no_placeholders(text: str, expected: str) -> None:
    assert message(text) == {"text": expected}


def test_timesketch_has_what_it_must_have() -> None:
    events = [orjson.loads(line) for line in written("timesketch", ROWS).splitlines()]
    assert len(events) == len(ROWS)
    for event, row in zip(events, ROWS, strict=True):
        assert event["message"].startswith(f"{row['level']}: {row['title']}")
        assert datetime.fromisoformat(event["datetime"]).tzinfo is not None
        assert (event["timestamp_desc"] == "Not a time") == (row["time"] is None)
        assert event["finding_uid"] == row["finding_uid"]
        assert {f"matched_{name}" for name in row["matched"]} <= set(event)


def test_navigator_scores_by_distinct_rules() -> None:
    layer = json.loads(written("navigator", ROWS))
    assert layer["versions"]["layer"] == "4.5"
    assert layer["domain"] == "enterprise-attack"
    scores = {technique["techniqueID"]: technique for technique in layer["techniques"]}
    expected: dict[str, set[str]] = {}
    for row in ROWS:
        for technique in row["techniques"]:
            expected.setdefault(technique, set()).add(row["rule_id"])
    assert {name: technique["score"] for name, technique in scores.items()} == {
        name: len(rules) for name, rules in expected.items()
    }
    assert scores["T1047"]["comment"].endswith("(22)")
    assert layer["gradient"]["maxValue"] > layer["gradient"]["minValue"]


def test_navigator_takes_techniques_only() -> None:
    layer = json.loads(written("navigator", hostile.FINDINGS))
    assert layer["techniques"] == []


def test_table_in_a_file_is_aligned_and_plain() -> None:
    text = written("table", [story.row("ntds"), story.row("lsass", host="設計サーバー")])
    heading, first, why, second, _ = text.splitlines()
    assert heading.split() == ["Time", "(UTC)", "Severity", "Host", "Account", "Rule", "ATT&CK"]
    assert first.split()[:3] == ["2024-03-02", "01:17:09", "Critical"]
    assert why.strip().startswith('CommandLine: ntdsutil "ac i ntds"')
    assert first.index("HARBOR") == second.index("HARBOR") + len("設計サーバー")


def test_table_speaks_japanese() -> None:
    out = io.StringIO()
    export.write("table", [story.row("ntds")], SUMMARY, out, "ja")
    assert out.getvalue().startswith("時刻 (UTC)")
    assert "重大" in out.getvalue()


def test_what_is_suppressed_is_marked_in_sarif_and_not_counted_by_the_navigator() -> None:
    silenced = story.row("lsass", number=1, suppressed="a" * 12)
    counted = story.row("lsass", number=2, suppressed=None)
    assert sarif_result(silenced, 0)["suppressions"][0]["justification"] == f"kazami suppress {'a' * 12}"
    assert sarif_result(counted, 0)["suppressions"] == []
    assert "suppressions" not in sarif_result(story.row("lsass", number=3), 0)
    out = io.StringIO()
    assert navigator.write([silenced, counted], story.summary([counted]), out) == 2
    (technique,) = json.loads(out.getvalue())["techniques"]
    assert technique["metadata"][0]["value"] == "1"
