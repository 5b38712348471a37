"""Cells as text: each spelling, each bound, and the quick way no other than the slow one."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from cells import values
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.sources import text
from kazami.sources.text import MAX_TEXT

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 3),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 1e15, 1e18, 2.0**53, 2.0**63, -(2.0**63), 2.0**64, 1e300]),
    st.integers(2**53 - 2, 2**53 + 2),
    st.integers(2**63 - 2, 2**63 + 2),
    st.text(max_size=5),
    st.text(alphabet="a\ud800\udc00é", max_size=3),
)
CELLS = st.one_of(
    SCALARS,
    st.recursive(st.lists(SCALARS, max_size=3), lambda inner: st.lists(inner, max_size=3), max_leaves=5),
)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("a", "a"), ("", ""), (None, None), (True, "true"), (False, "false"), (0, "0"), (1, "1"), (-17, "-17"),
        (2**70, str(2**70)), (1.5, "1.5"), (1.0, "1"), (-0.0, "0"), (1e14, "100000000000000"), (1e300, "1e+300"),
        (2.0**63, "9.223372036854776e+18"), (math.inf, "inf"), ("\0", "\0"), ("é", "é"), ("\U0001f600", "\U0001f600"),
    ],
)  # fmt: skip
def test_spelling(cell: Any, written: str | None) -> None:
    assert text.text(cell) == written


def test_lone_surrogates_are_replaced_and_the_rest_stays() -> None:
    assert text.clean("a\ud800b").startswith("a\ufffd")
    assert text.clean("a\ud800b").endswith("\ufffdb")
    assert text.clean("a\ud800b").encode()
    assert text.clean("日本") == "日本"
    assert text.clean(plain := "plain") is plain


@pytest.mark.parametrize("letter", ["a", "é", "\U0001f600"])
def test_huge_texts_are_cut_by_characters(letter: str) -> None:
    assert text.clean(letter * MAX_TEXT) == letter * MAX_TEXT
    assert text.clean(letter * (MAX_TEXT + 1)) == letter * MAX_TEXT
    (kept,) = text.plain_array([letter * (MAX_TEXT + 10)]).to_pylist()
    assert kept == letter * MAX_TEXT


@settings(max_examples=500, deadline=None)
@given(st.lists(SCALARS, max_size=8))
def test_columns_say_what_their_cells_say(cells: list[Any]) -> None:
    wanted = [text.text(cell) for cell in cells]
    assert text.plain_array(cells).to_pylist() == wanted
    quick = text.quick_array(cells)
    if quick is not None:
        assert quick.to_pylist() == wanted
    assert text.plain_array(tuple(cells)).type == pa.string()


@settings(max_examples=200, deadline=None)
@given(st.lists(CELLS, max_size=6))
def test_lists_become_flat_lists(cells: list[Any]) -> None:
    def flat(cell: Any) -> list[Any]:
        return [leaf for item in cell for leaf in flat(item)] if isinstance(cell, list) else [text.text(cell)]

    assert text.list_array(cells).to_pylist() == [flat(cell) for cell in cells]
    assert text.has_lists(cells) == any(isinstance(cell, list) for cell in cells)


def test_lists_in_lists_may_be_deep() -> None:
    deep: Any = "x"
    for _ in range(20_000):
        deep = [deep]
    assert text.list_array([deep]).to_pylist() == [["x"]]


def test_all_types_that_arrow_cannot_take_at_once_go_the_slow_way() -> None:
    assert text.quick_array([]) is not None
    assert text.quick_array(["a", 1]) is None
    assert text.quick_array([1, "a"]) is None
    assert text.quick_array([1, True]) is None
    assert text.quick_array([1, 2.5]) is None
    assert text.quick_array([1, 2**64]) is None
    assert text.quick_array(["\ud800"]) is None
    assert text.quick_array(["a", ["b"]]) is None
    assert text.quick_array(["a" * (MAX_TEXT + 1)]) is None
    assert text.quick_array([1, None, 2]).to_pylist() == ["1", None, "2"]


def test_texts_in_utf8_are_taken_whole() -> None:
    raws = ["", "a", "日本", "x" * (MAX_TEXT + 5)]
    array = text.utf8_array([raw.encode() for raw in raws])
    array.validate(full=True)
    assert array.to_pylist() == raws
    assert text.utf8_array([]).to_pylist() == []


@settings(deadline=None)
@given(st.lists(st.sampled_from([None, "", "a", "b"]), min_size=1, max_size=12), st.data())
def test_values_are_spread_to_their_rows(cells: list[Any], data: st.DataObject) -> None:
    runs, start, left = [], 0, len(cells)
    while left:
        start += data.draw(st.integers(0, 3))
        count = data.draw(st.integers(1, left))
        runs.append((start, count))
        start, left = start + count, left - count
    total = start + data.draw(st.integers(0, 3))
    wanted: list[Any] = [...] * total
    rest = iter(cells)
    for first, count in runs:
        wanted[first : first + count] = [next(rest) for _ in range(count)]
    single = pa.array(cells, pa.string()).dictionary_encode(null_encoding="encode")
    assert values(text.spread(single, runs, total)) == wanted
    several = text.list_array(cells)
    found = values(text.spread_lists(several, runs, total))
    assert found == [... if cell is ... else [cell] for cell in wanted]
