"""Runs of cells from many shapes become one column, as if each row had been put there by itself."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from cells import values
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.sources import text
from kazami.sources.gathered import Gathered

CELLS = st.one_of(
    st.sampled_from(
        [None, "", "a", "b", 0, 1, 2, True, False, 1.0, 2.0, 0.0, -0.0, 1.5, 2**53, 2.0**53, 2**63, 2.0**63]
    ),
    st.text(max_size=2),
)
LISTS = st.lists(CELLS, max_size=3)
COLUMNS = st.one_of(
    st.tuples(st.just("constant"), CELLS, st.integers(1, 4)),
    st.tuples(st.just("cells"), st.lists(CELLS, min_size=1, max_size=5)),
    st.tuples(st.just("same"), CELLS, st.integers(1, 4)),
    st.tuples(st.just("made"), st.lists(st.sampled_from([None, None, "", "a", "b"]), min_size=1, max_size=5)),
    st.tuples(st.just("nothing"), st.integers(1, 3)),
)
SEVERAL = st.one_of(
    COLUMNS,
    st.tuples(st.just("cells"), st.lists(st.one_of(CELLS, LISTS), min_size=1, max_size=5)),
    st.tuples(st.just("constant"), LISTS, st.integers(1, 4)),
)


def gathered(steps: list[Any]) -> tuple[pa.Array | None, list[Any]]:
    """The column, and what each of its rows should hold; ``...`` where the field is missing."""
    found, wanted = Gathered(), []
    for kind, *rest in steps:
        start = len(wanted)
        if kind == "constant":
            found.add_constant(rest[0], rest[1], start)
            wanted += [rest[0]] * rest[1]
        elif kind == "same":
            found.add((rest[0],) * rest[1], start)
            wanted += [rest[0]] * rest[1]
        elif kind == "cells":
            found.add(tuple(rest[0]), start)
            wanted += rest[0]
        elif kind == "made":
            found.add_present(rest[0], start)
            wanted += [... if cell is None else cell for cell in rest[0]]
        else:
            wanted += [...] * rest[0]
    return found.array(len(wanted)), wanted


def spelled(cell: Any, several: bool) -> Any:
    if cell is ...:
        return ...
    if isinstance(cell, list):
        return [text.text(item) for item in cell]
    return [text.text(cell)] if several else text.text(cell)


@settings(max_examples=500, deadline=None)
@given(st.lists(SEVERAL, min_size=1, max_size=7))
def test_each_row_holds_what_was_put_there(steps: list[Any]) -> None:
    array, wanted = gathered(steps)
    if array is None:
        assert all(cell is ... for cell in wanted)
        return
    array.validate(full=True)
    several = pa.types.is_list(array.type)
    assert several == any(isinstance(cell, list) for cell in wanted)
    assert values(array) == [spelled(cell, several) for cell in wanted]


@settings(deadline=None)
@given(st.lists(COLUMNS, min_size=1, max_size=7))
def test_single_values_are_in_a_dictionary_without_repetition(steps: list[Any]) -> None:
    array, _ = gathered(steps)
    if array is not None:
        assert array.type == pa.dictionary(pa.int32(), pa.string())
        known = array.dictionary.to_pylist()
        assert len(known) == len(set(known))


@pytest.mark.parametrize(
    ("steps", "dictionary"),
    [
        ([("constant", "a", 3), ("constant", "a", 2)], ["a"]),
        ([("constant", 5, 2), ("constant", "5", 2), ("constant", None, 1)], ["5", None]),
        ([("same", "a", 3), ("nothing", 2), ("constant", "b", 1)], ["a", "b"]),
        ([("cells", [True, 1, 0, False])], ["true", "1", "0", "false"]),
        ([("cells", [1, 1.0, 1])], ["1"]),
        ([("cells", [True, True])], ["true"]),
        ([("same", 2**63, 2), ("cells", [2.0**63])], [str(2**63), "9.223372036854776e+18"]),
        ([("cells", [2**63, 2.0**63, 2**63])], [str(2**63), "9.223372036854776e+18"]),
    ],
)
def test_equal_numbers_of_different_spelling_stay_apart(steps: list[Any], dictionary: list[Any]) -> None:
    array, _ = gathered(steps)
    assert array is not None
    assert array.dictionary.to_pylist() == dictionary


def test_no_row_has_the_field() -> None:
    assert Gathered().array(5) is None
    nothing = Gathered()
    nothing.add_present([None, None], 0)
    assert nothing.array(2) is None
