"""Distinct values and their rows: missing, null, empty and several values kept apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.detect.sigma import field_column
from kazami.detect.sigma.bitset import to_rows
from kazami.detect.sigma.field_column import FieldColumn

VALUES = st.sampled_from([None, "", "a", "b", "日"])
SINGLE = st.lists(st.one_of(st.just(...), VALUES), min_size=1, max_size=60)
SEVERAL = st.lists(st.one_of(st.just(...), st.lists(VALUES, max_size=3)), min_size=1, max_size=60)


def single(cells: list[Any]) -> pa.Array:
    values = list(dict.fromkeys(cell for cell in cells if cell is not ...))
    codes = [None if cell is ... else values.index(cell) for cell in cells]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(values, pa.string()))


def several(cells: list[Any]) -> pa.Array:
    return pa.array([None if cell is ... else cell for cell in cells], pa.list_(pa.string()))


def tuples(cells: list[Any]) -> list[tuple[str | None, ...]]:
    return [() if c is ... else tuple(c) if isinstance(c, list) else (c,) for c in cells]


def holds(column: FieldColumn, cells: list[Any]) -> None:
    rows = len(cells)
    assert column.cells() == tuples(cells)
    assert to_rows(column.present(), rows).tolist() == [
        row for row, cell in enumerate(cells) if cell is not ...
    ]
    for chosen in ([], [None], ["a"], ["a", ""], ["b", None, "日"]):
        codes = [code for code, value in enumerate(column.values) if value in chosen]
        wanted = [row for row, found in enumerate(tuples(cells)) if set(found) & set(chosen)]
        assert to_rows(column.rows(codes), rows).tolist() == wanted
        assert column.rows(iter(codes)) == column.rows(codes)


@settings(deadline=None)
@given(SINGLE, st.integers(0, 5), st.sampled_from([0, 24]))
def test_one_value_a_row(cells: list[Any], skipped: int, few: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(field_column, "FEW_ROWS", few)
        holds(FieldColumn(single(cells), len(cells)), cells)
        rest = cells[skipped:]
        holds(FieldColumn(single(cells).slice(skipped), len(rest)), rest)


@settings(deadline=None)
@given(SEVERAL, st.integers(0, 5), st.sampled_from([0, 24]))
def test_several_values_a_row(cells: list[Any], skipped: int, few: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(field_column, "FEW_ROWS", few)
        column = FieldColumn(several(cells), len(cells))
        assert column.multiple
        holds(column, cells)
        rest = cells[skipped:]
        holds(FieldColumn(several(cells).slice(skipped), len(rest)), rest)


def test_text_of_chosen_rows() -> None:
    one = FieldColumn(single(["a", ..., None, ""]), 4)
    assert one.text(np.array([3, 0, 1, 2])) == ["", "a", None, None]
    many = FieldColumn(several([["a", None, "b"], ..., [], ["a"]]), 4)
    assert many.text(np.array([0, 1, 2, 3])) == ["a, , b", None, None, "a"]


def test_ten_thousand_values_in_a_row() -> None:
    values = [str(number % 100) for number in range(50_000)]
    column = FieldColumn(several([values, ["7"]]), 2)
    assert column.cells() == [tuple(values), ("7",)]
    assert to_rows(column.rows([column.values.index("7")]), 2).tolist() == [0, 1]
