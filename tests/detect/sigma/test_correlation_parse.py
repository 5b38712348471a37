"""What the loader of correlations takes, and what it refuses with which reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.detect.sigma.correlation import load
from kazami.detect.sigma.correlation.parse import MAX_TIMESPAN
from kazami.detect.sigma.rule import Correlation
from kazami.errors import RuleError

PLAIN: dict[str, Any] = {
    "type": "event_count",
    "rules": ["a", "b"],
    "group-by": ["User"],
    "timespan": "5m",
    "condition": {"gte": 3},
}


def document(**section: Any) -> dict[str, Any]:
    """A plain correlation with other items; None takes one away."""
    merged = PLAIN | {key.replace("_by", "-by"): value for key, value in section.items()}
    return {"title": "t", "correlation": {k: v for k, v in merged.items() if v is not None}}


def loaded(**section: Any) -> Correlation:
    return load(document(**section), "rules/a.yml")


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"type": None}, "the correlation type 'None' is unknown"),
        ({"type": "value_variance"}, "the correlation type 'value_variance' is unknown"),
        ({"type": ["event_count"]}, "is unknown"),
        ({"rules": None}, "the correlation names no rules"),
        ({"rules": []}, "the correlation names no rules"),
        ({"rules": ["a", 1]}, "rules is neither a reference nor a list of references"),
        ({"rules": [f"r{n}" for n in range(1001)]}, "more than 1000 rules"),
        ({"group_by": {"User": 1}}, "group-by is neither a field nor a list of fields"),
        ({"group_by": [None]}, "group-by is neither a field nor a list of fields"),
        ({"timespan": None}, "the timespan is missing"),
        ({"timespan": 5}, "the timespan is no short text"),
        ({"timespan": "5"}, "Timespan '5' is invalid"),
        ({"timespan": "1.5h"}, "Timespan '1.5h' is invalid"),
        ({"timespan": "5H"}, "Timespan '5H' is invalid"),
        ({"timespan": "0s"}, "greater than zero"),
        ({"timespan": "10001y"}, "longer than ten thousand years"),
        ({"timespan": "9" * 5000 + "y"}, "the timespan is no short text"),
        ({"timeframe": "5m"}, "unknown items: timeframe"),
        ({"group_by": None, "group_by_": []}, "unknown items"),
        ({"generate": "yes"}, "generate is neither true nor false"),
        ({"aliases": ["u"]}, "aliases is not a mapping"),
        ({"aliases": {"u": {}}}, "the alias 'u' does not map rules to fields"),
        ({"aliases": {"u": {"a": 3}}}, "the alias 'u' does not map rules to fields"),
        ({"condition": None}, "the condition of event_count is missing"),
        ({"condition": 3}, "the condition of event_count is not a mapping"),
        ({"condition": "a and b"}, "the condition of event_count is not a mapping"),
        ({"condition": {}}, "the condition compares with nothing"),
        ({"condition": {"field": "User"}}, "the condition compares with nothing"),
        ({"condition": {"at_least": 3}}, "the condition has unknown items: at_least"),
        ({"condition": {"gte": "many"}}, "'many' in the condition is no number"),
        ({"condition": {"gte": True}}, "'True' in the condition is no number"),
        ({"condition": {"gte": [1]}}, "'[1]' in the condition is no number"),
        ({"condition": {"gte": float("nan")}}, "'nan' in the condition is no number"),
        ({"condition": {"gte": float("inf")}}, "more than 30 digits"),
        ({"condition": {"gte": 10**400}}, "more than 30 digits"),
        ({"condition": {"gte": 3, "field": "User"}}, "names a field, which event_count does not look at"),
        ({"condition": {"gte": 3, "percentile": 9}}, "names a percentile, which event_count does not have"),
        ({"type": "value_count"}, "the condition of value_count names no field"),
        ({"type": "value_count", "condition": {"gte": 3, "field": []}}, "names no field"),
        ({"type": "value_count", "condition": {"gte": 3, "field": 5}}, "field is neither a field nor a list"),
        ({"type": "value_sum", "condition": {"gte": 3, "field": ["A", "B"]}}, "value_sum takes one field"),
        (
            {"type": "value_percentile", "condition": {"gte": 3, "field": "A", "percentile": 101}},
            "the percentile 101 is not between 0 and 100",
        ),
        ({"type": "temporal", "condition": "a and"}, "has 'its end' where a rule was expected"),
        ({"type": "temporal", "condition": ""}, "has 'its end' where a rule was expected"),
        ({"type": "temporal", "condition": "a b"}, "has 'b' where an operator or the end was expected"),
        ({"type": "temporal", "condition": "(a and b"}, "lacks a closing parenthesis"),
        ({"type": "temporal", "condition": "a and or b"}, "has 'or' where a rule was expected"),
        ({"type": "temporal", "condition": "not a"}, "true where nothing happened"),
        ({"type": "temporal", "condition": "a or not b"}, "true where nothing happened"),
        ({"type": "temporal", "condition": "(" * 65 + "a" + ")" * 65}, "nested deeper than 64"),
        ({"type": "temporal", "condition": "not " * 66 + "a"}, "nested deeper than 64"),
        ({"type": "temporal", "condition": "a " * 5001}, "longer than 10000 characters"),
        ({"type": "temporal_ordered", "condition": "a and not a"}, "can never be true"),
        (
            {"type": "temporal_ordered", "condition": " and ".join(f"(a{n} or b{n})" for n in range(9))},
            "more than 256 alternatives",
        ),
    ],
)
def test_rejected(section: dict[str, Any], reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        loaded(**section)
    assert reason in caught.value.reason
    assert caught.value.path == "rules/a.yml"


@pytest.mark.parametrize(
    "content", [{}, {"correlation": None}, {"correlation": "event_count"}, {"correlation": []}]
)
def test_no_section(content: dict[str, Any]) -> None:
    with pytest.raises(RuleError, match="the correlation section is not a mapping"):
        load(content, "a.yml")


def test_words_of_the_rule() -> None:
    content = document() | {
        "id": "0E95725D-7320-415D-80F7-004DA920FC12",
        "name": "many",
        "status": "test",
        "level": "high",
        "tags": ["attack.t1110"],
        "falsepositives": ["people"],
        "author": "somebody",
    }
    info = load(content, "rules/a.yml").info
    assert (info.id, info.name, info.kind, info.path) == (
        "0e95725d-7320-415d-80f7-004da920fc12",
        "many",
        "correlation",
        "rules/a.yml",
    )
    assert (info.level, info.status, info.techniques, info.falsepositives) == (
        "high",
        "test",
        ["T1110"],
        ("people",),
    )
    assert len(info.version) == 16


def test_the_version_changes_with_the_content_only() -> None:
    assert loaded().info.version == load(document(), "elsewhere.yml").info.version
    assert loaded().info.version != loaded(condition={"gte": 4}).info.version


@pytest.mark.parametrize(
    ("section", "attribute", "value"),
    [
        ({"rules": "a"}, "rules", ("a",)),
        ({"group_by": "User"}, "group_by", ("User",)),
        ({"group_by": None}, "group_by", ()),
        ({"timespan": "2M"}, "timespan", 5_259_492.0),
        ({"timespan": "10000y"}, "timespan", float(MAX_TIMESPAN)),
        ({"condition": {"gt": 100, "lte": 200}}, "condition", (("gt", 100), ("lte", 200))),
        ({"condition": {"neq": 12.5}}, "condition", (("neq", 12.5),)),
        ({"condition": {"gte": "12"}}, "condition", (("gte", 12),)),
        ({"type": "temporal", "condition": None}, "condition", (("gte", 2),)),
        ({"type": "value_count", "condition": {"gte": 1, "field": "A"}}, "fields", ("A",)),
        ({"type": "value_count", "condition": {"gte": 1, "field": ["A", "B"]}}, "fields", ("A", "B")),
        ({"type": "value_percentile", "condition": {"gte": 1, "field": "A"}}, "percentile", 50.0),
        (
            {"type": "value_percentile", "condition": {"gte": 1, "field": "A", "percentile": 99.9}},
            "percentile",
            99.9,
        ),
        ({"generate": True}, "generate", True),
        ({"rules": None, "type": "temporal_ordered", "condition": "b and (a or b)"}, "rules", ("b", "a")),
        (
            {"type": "temporal", "condition": "a AND NOT b or b"},
            "expression",
            ("or", (("and", (("is", "a"), ("not", ("is", "b")))), ("is", "b"))),
        ),
    ],
)
def test_taken(section: dict[str, Any], attribute: str, value: Any) -> None:
    assert getattr(loaded(**section), attribute) == value


def test_generate_may_stand_beside_the_section_as_in_the_schema() -> None:
    assert load(document() | {"generate": True}, "a.yml").generate
    with pytest.raises(RuleError, match="generate is both true and false"):
        load(document(generate=False) | {"generate": True}, "a.yml")


def test_a_document_that_yaml_aliases_blow_up() -> None:
    bomb: list[Any] = ["x"] * 10
    for _ in range(10):
        bomb = [bomb] * 10
    with pytest.raises(RuleError, match="larger than 200000 values"):
        load(document() | {"description": bomb}, "a.yml")


def test_a_text_that_yaml_aliases_repeat() -> None:
    with pytest.raises(RuleError, match="larger than 200000 values"):
        load(document() | {"references": ["x" * 1_000_000] * 30}, "a.yml")


def test_a_document_that_holds_itself() -> None:
    content = document()
    content["correlation"]["aliases"] = content
    with pytest.raises(RuleError, match="larger than 200000 values"):
        load(content, "a.yml")


def test_a_document_nested_beyond_reason() -> None:
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(RuleError, match="nested too deeply"):
        load(document() | {"custom": deep}, "a.yml")


odd = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers()), inner, max_size=3),
    ),
    max_leaves=6,
)


@given(
    section=st.dictionaries(st.sampled_from([*sorted(PLAIN), "aliases", "generate"]), odd, max_size=3),
    words=st.dictionaries(
        st.sampled_from(["id", "title", "level", "tags", "status", "name", "date"]), odd, max_size=3
    ),
)
@settings(max_examples=150, deadline=None)
def test_odd_documents_are_loaded_or_rejected(section: dict[str, Any], words: dict[str, Any]) -> None:
    try:
        correlation = load({"title": "t", **words, "correlation": PLAIN | section}, "a.yml")
    except RuleError:
        return  # the one error that a loader may raise
    assert correlation.rules
    assert correlation.timespan > 0
