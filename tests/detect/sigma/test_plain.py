"""The plain evaluator and the readings of values that it shares with the matcher."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.detect.sigma.expression import ANY, DASH, DASHES, FALSE, ONE, TRUE, Predicate
from kazami.detect.sigma.pattern import Parts, Shape, normal
from kazami.detect.sigma.plain import evaluate
from kazami.detect.sigma.value import address, inside, moment, network, number, time_part

TOKENS = {ANY: ".*", ONE: ".", DASH: f"[{re.escape(DASHES)}]"}
LETTERS = st.text("ab-\n", max_size=3)
PARTS = st.lists(st.one_of(LETTERS, st.sampled_from([ANY, ONE, DASH])), max_size=7).map(tuple)


@given(PARTS, st.text("ab-/–\n", max_size=12))
def test_a_shape_holds_where_its_regular_expression_does(parts: Parts, text: str) -> None:
    source = "".join(re.escape(part) if isinstance(part, str) else TOKENS[part] for part in parts)
    assert Shape(parts).holds(text) is (re.fullmatch(source, text, re.DOTALL) is not None)
    assert Shape(normal(parts)).holds(text) is Shape(parts).holds(text)


def test_a_shape_with_many_stars_takes_no_time() -> None:
    parts = normal([piece for _ in range(60) for piece in (ANY, "a")] + ["b"])
    assert Shape(parts).holds("a" * 20_000) is False


@pytest.mark.parametrize(
    ("expression", "value"),
    [(TRUE, True), (FALSE, False), (("and", ()), True), (("or", ()), False), (("not", FALSE), True)],
)
def test_constants(expression: Any, value: bool) -> None:
    assert evaluate(expression, {}) is value


@pytest.mark.parametrize("op", ["match", "re", "cidr", "number", "gt", "gte", "lt", "lte", "ref", "time"])
def test_missing_and_null_answer_no_question(op: Any) -> None:
    arg = {
        "re": ("", ""),
        "cidr": "0.0.0.0/0",
        "ref": ("a", "eq"),
        "time": ("hour", "gte", 0),
        "match": (ANY,),
    }
    predicate = Predicate("a", op, arg.get(op, 0))
    assert evaluate(("is", predicate), {}) is False
    assert evaluate(("is", predicate), {"a": None}) is False
    assert evaluate(("is", predicate), {"a": [None, None]}) is False
    assert evaluate(("is", predicate), {"a": []}) is False


def test_null_among_several_values() -> None:
    null = ("is", Predicate("a", "null", None))
    assert evaluate(null, {"a": ["x", None]}) is True
    assert evaluate(null, {"a": ["x"]}) is False
    assert evaluate(null, {"a": []}) is False


def test_a_regular_expression_that_runs_out_of_time_says_so() -> None:
    slow = ("is", Predicate("a", "re", (r"^(([a-z])+.)+[A-Z]([a-z])+\2(?=!)$", "")))
    with pytest.raises(TimeoutError):
        evaluate(slow, {"a": "a" * 5_000})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4688", 4688),
        ("-5", -5),
        ("+5", 5),
        ("0x1250", 4688),
        ("0XfF", 255),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("9007199254740993", 9007199254740993),
        ("", None),
        (" 5", None),
        ("5 ", None),
        ("1_000", None),
        ("1,000", None),
        ("٣", None),
        ("0x", None),
        ("-0x5", None),
        ("nan", None),
        ("inf", None),
        ("x", None),
        ("9" * 401, None),
    ],
)
def test_number(text: str, value: float | None) -> None:
    found = number(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-02T03:04:05Z", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024-01-02 03:04:05.1234567", datetime(2024, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2024-01-02T03:04:05+02:00", datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("1704164645", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("1704164645000", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("5", None),
        ("-1704164645", None),
        ("1e300", None),
        ("9" * 30, None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_moment(text: str, value: datetime | None) -> None:
    assert moment(text) == value


def test_parts_of_a_time() -> None:
    when = datetime(2024, 12, 30, 22, 15, tzinfo=UTC)
    names = ("minute", "hour", "day", "week", "month", "year")
    assert [time_part(when, name) for name in names] == [15, 22, 30, 1, 12, 2024]


@pytest.mark.parametrize(
    ("text", "net", "held"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.9.9.9/8", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("::FFFF:10.1.2.3", "::ffff:0:0/96", True),
        ("10.1.2.3", "::/0", False),
        ("fe80::1%12", "fe80::/10", True),
        ("[fe80::1]", "fe80::/10", True),
        ("FE80::1", "fe80::1", True),
    ],
)
def test_address(text: str, net: str, held: bool) -> None:
    where = address(text)
    assert where is not None
    assert inside(where, network(net)) is held


@pytest.mark.parametrize("text", ["", "-", "10.1.2", "010.1.2.3", "10.1.2.3:80", "::g", "1", "x" * 100])
def test_what_is_no_address(text: str) -> None:
    assert address(text) is None
