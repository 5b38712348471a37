"""All questions at once are answered as `plain` answers each of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.detect.sigma import field_index, plain
from kazami.detect.sigma.expression import ANY, DASH, ONE, Predicate
from kazami.detect.sigma.field_index import FieldIndex

PIECES = st.one_of(
    st.text(alphabet="abAB\0ßſSsİi日é-/–. \n", min_size=1, max_size=5),
    st.sampled_from(["cmd", "CMD", ".exe", "straße", "STRASSE", "ΣΊΣΥΦΟΣ", "ﬁ", "%", "\\"]),
)
PARTS = st.one_of(
    PIECES.map(lambda t: (t,)),
    PIECES.map(lambda t: (ANY, t)),
    PIECES.map(lambda t: (t, ANY)),
    PIECES.map(lambda t: (ANY, t, ANY)),
    st.lists(st.one_of(PIECES, st.sampled_from([ANY, ONE, DASH])), max_size=5).map(tuple),
)
EXPRESSIONS = st.sampled_from(
    ["cmd", "(?i)CMD", "stra(ß|ss)e", "^$", "a|b|", "[a-c]{2}", ".", "cmd(?!x)", "(?<=c)md", "", "\\0"]
)
PREDICATES = st.one_of(
    st.builds(Predicate, st.just("F"), st.just("match"), PARTS, st.booleans()),
    st.builds(
        Predicate, st.just("F"), st.just("re"), st.tuples(EXPRESSIONS, st.sampled_from(["", "i", "ms"]))
    ),
    st.builds(
        Predicate, st.just("F"), st.sampled_from(["number", "gt", "gte", "lt", "lte"]), st.integers(-9, 9)
    ),
    st.builds(Predicate, st.just("F"), st.just("cidr"), st.sampled_from(["10.0.0.0/8", "::/0"])),
    st.builds(
        Predicate, st.just("F"), st.just("time"), st.tuples(st.just("year"), st.just("gt"), st.just(2000))
    ),
)
VALUES = st.one_of(
    PIECES,
    st.lists(PIECES, max_size=4).map("".join),
    st.sampled_from(["", "\0", "7", "0x7", "10.1.2.3", "2020-10-05T22:43:58Z", "a" * 300 + "cmd.exe"]),
    st.text(max_size=5),
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(
    st.lists(PREDICATES, min_size=1, max_size=12), st.lists(VALUES, max_size=12), st.lists(VALUES, max_size=3)
)
def test_answers_are_those_of_the_plain_evaluator(
    predicates: list[Predicate], values: list[str], more: list[str]
) -> None:
    index = FieldIndex(enumerate(predicates))
    for asked in (values, values + more, more + values[:2]):
        wanted = [
            {number for number, predicate in enumerate(predicates) if plain.holds(predicate, value, {})}
            for value in asked
        ]
        found = index.answers(asked)
        assert [set(numbers) for numbers in found] == wanted
        assert all(len(set(numbers)) == len(numbers) for numbers in found)


@pytest.mark.parametrize(
    ("parts", "cased", "yes", "no"),
    [
        (("cmd.exe",), False, ["cmd.exe", "CMD.EXE"], ["cmd.exe ", "a\\cmd.exe", ""]),
        (("cmd.exe",), True, ["cmd.exe"], ["CMD.EXE"]),
        ((ANY, "cmd.exe"), False, ["cmd.exe", "C:\\Cmd.exe"], ["cmd.exe\0", "cmd.exex"]),
        (("cmd", ANY), False, ["cmd", "cmd\0x"], ["\0cmd", "xcmd"]),
        ((ANY, "\0", ANY), False, ["a\0b", "\0"], ["ab", ""]),
        (("\0",), True, ["\0"], ["", "\0\0"]),
        ((), False, [""], ["x", "\0"]),
        ((ANY,), False, ["", "x", "\0"], []),
        ((ANY, ANY), True, ["", "x"], []),
        ((ONE,), False, ["x", "\0", "日"], ["", "xx", "ß"]),
        (("straße",), False, ["STRASSE", "strasse", "Straße", "ſtraße"], ["strase"]),
        ((ANY, "ΣΊΣΥΦΟΣ"), False, ["σίσυφος", "ΣΊΣΥΦΟΣ"], ["σισυφος"]),
        ((ANY, "ss", ANY), False, ["ß", "ẞ", "SS"], ["s"]),
        (("a", ONE, "b", ANY, "c"), False, ["a?bc", "AxBxxC"], ["abc", "axb"]),
        ((DASH, "enc"), False, ["-enc", "/ENC", "–enc"], ["enc", "_enc"]),
    ],
)
def test_shapes(parts: tuple[Any, ...], cased: bool, yes: list[str], no: list[str]) -> None:
    index = FieldIndex([(4, Predicate("F", "match", parts, cased))])
    assert index.answers([*yes, *no]) == [(4,)] * len(yes) + [()] * len(no)


def test_each_column_is_remembered_apart_and_few_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_index, "MOST_COLUMNS", 3)
    index = FieldIndex([(0, Predicate(None, "match", (ANY, "x", ANY)))])
    for number in range(10):
        assert index.answers([f"x{number}", "y"], f"column {number}") == [(0,), ()]
        assert index.answers([f"x{number}", "z"], f"column {number}") == [(0,), ()]
        assert len(index._memo) <= 3
    assert index.answers(["z"], "column 9") == [()]


@pytest.fixture
def slow() -> FieldIndex:
    return FieldIndex(
        [(0, Predicate("F", "re", ("^(a|a)*(?=$)", ""))), (1, Predicate("F", "match", ("a", ANY)))]
    )


def test_an_expression_that_keeps_running_out_of_time_is_given_up(
    slow: FieldIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(field_index, "MOST_TIMEOUTS", 2)
    evil = ["a" * length + "!" for length in range(60, 64)]
    assert slow.answers(evil) == [(1,)] * 4
    assert slow.timeouts == {0: 4}  # tried on two of them, and named for all four
    assert slow.answers(["aaa"]) == [(1,)]
    assert slow.timeouts == {0: 5}


def test_what_was_answered_in_time_counts(slow: FieldIndex) -> None:
    (found,) = slow.answers(["aaa"])
    assert set(found) == {0, 1}
    assert slow.answers(["bbb"]) == [()]
    assert not slow.timeouts
