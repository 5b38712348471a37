"""Filters: which rules they change, and what people are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kazami.detect.sigma.filter import compile_filter
from kazami.detect.sigma.load import load
from kazami.detect.sigma.rule import RuleSet
from kazami.errors import RuleError

ID = "6f3e2987-db24-4c78-a860-b4f4095a7095"
RULE = {
    "title": "rule",
    "id": ID,
    "name": "by_name",
    "logsource": {"product": "windows", "category": "process_creation"},
    "detection": {"s": {"A": "x"}, "condition": "s"},
}


def made(**changes: Any) -> dict[str, Any]:
    section = {"rules": [ID], "selection": {"User|startswith": "adm_"}, "condition": "not selection"}
    return {"title": "filter", "logsource": {"product": "windows"}, "filter": section | changes}


def loaded(folder: Path, *documents: dict[str, Any]) -> RuleSet:
    (folder / "a.yml").write_text("\n---\n".join(yaml.safe_dump(each) for each in documents))
    return load([folder])


@pytest.mark.parametrize(
    "condition", ["not selection", "not 1 of them", "not (selection or other)", "not selection and not other"]
)
def test_what_is_kept_is_read_as_written(condition: str) -> None:
    found, warnings = compile_filter(made(condition=condition, other={"User": "x"}), "a.yml")
    assert warnings == []
    assert found.keep[0] in ("not", "and")


@pytest.mark.parametrize("condition", ["selection", "1 of them", "selection or other", "not not selection"])
def test_what_is_suppressed_is_turned_round_and_said(condition: str) -> None:
    found, warnings = compile_filter(made(condition=condition, other={"User": "x"}), "a.yml")
    assert found.keep[0] == "not"
    assert warnings == [
        "read as in the specification: events that meet its condition are suppressed; "
        "write 'not ...' to be understood so by every tool"
    ]


@pytest.mark.parametrize(
    "condition", ["selection and not other", "not selection or other", "not (a or not selection)"]
)
def test_what_has_two_readings_is_refused(condition: str) -> None:
    with pytest.raises(RuleError, match="suppresses events for some tools"):
        compile_filter(made(condition=condition, other={"User": "x"}, a={"User": "y"}), "a.yml")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"filter": None}, "filter: not a map"),
        ({"logsource": None}, "no log source"),
        (
            {"filter": {"rules": [ID], "condition": "not s", "s": {"A|containz": "x"}}},
            "filter: s: A|containz: unknown",
        ),
        ({"filter": {"rules": [5], "condition": "not s", "s": {"A": "x"}}}, "name the rules"),
        ({"filter": {"rules": [ID], "s": {"A": "x"}}}, "needs one condition"),
    ],
)
def test_a_filter_that_cannot_be(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_filter(made() | change, "a.yml")
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    "rules", [ID, ID.upper(), [ID], ["by_name"], "by_name", "any", "ANY", [ID, "by_name"]]
)
def test_references(tmp_path: Path, rules: Any) -> None:
    before = loaded(tmp_path, RULE).rules[0]
    found = loaded(tmp_path, made(rules=rules), RULE)
    assert found.rules[0].condition[0] == "and"
    assert len(found.rules[0].condition[1]) == 2
    assert found.rules[0].info.version != before.info.version
    assert found.warnings == ()


def test_the_version_of_a_rule_follows_its_filters(tmp_path: Path) -> None:
    versions = {
        loaded(tmp_path, RULE, *filters).rules[0].info.version
        for filters in ([], [made()], [made(condition="not 1 of them")], [made(), made() | {"title": "b"}])
    }
    assert len(versions) == 4


def test_a_filter_for_no_rule_is_said(tmp_path: Path) -> None:
    found = loaded(tmp_path, RULE, made(rules=["nobody"]))
    assert found.rules[0].condition[0] == "is"
    assert [warning.reason for warning in found.warnings] == [
        "it is for 'nobody', which is neither id nor name of a loaded rule"
    ]


def test_a_filter_of_another_log_source_is_said(tmp_path: Path) -> None:
    found = loaded(tmp_path, RULE, made() | {"logsource": {"product": "linux"}})
    assert found.rules[0].condition[0] == "is"
    assert "which is not its log source linux/*/*" in found.warnings[0].reason


def test_filters_do_not_touch_correlations(tmp_path: Path) -> None:
    correlation = {
        "type": "event_count",
        "rules": [ID],
        "group-by": ["User"],
        "timespan": "5m",
        "condition": {"gte": 2},
    }
    document = {"title": "many", "level": "high", "correlation": correlation}
    alone = loaded(tmp_path, RULE, document)
    found = loaded(tmp_path, RULE, document, made(rules="any"))
    assert found.correlations == alone.correlations
    assert found.rules[0].condition[0] == "and"


def test_filters_survive_the_cache(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    first = loaded(tmp_path / "rules", RULE, made(), made(rules="any") | {"title": "b"})
    cold = load([tmp_path / "rules"], cache=tmp_path / "cache")
    warm = load([tmp_path / "rules"], cache=tmp_path / "cache")
    assert warm.extra["compiled_files"] == 0
    assert first.rules[0].condition == cold.rules[0].condition == warm.rules[0].condition
    assert first.version == cold.version == warm.version
