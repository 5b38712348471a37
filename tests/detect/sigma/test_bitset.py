"""Sets of rows as integers say what arrays of booleans say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.detect.sigma import bitset

MASKS = st.lists(st.booleans(), max_size=70)


@given(MASKS)
def test_masks_and_rows_go_there_and_back(mask: list[bool]) -> None:
    bits = bitset.from_mask(np.array(mask, np.bool_))
    rows = [row for row, on in enumerate(mask) if on]
    assert bits == sum(1 << row for row in rows)
    assert bitset.from_rows(rows) == bitset.from_rows(reversed(rows)) == bitset.from_rows(rows + rows) == bits
    assert bitset.to_mask(bits, len(mask)).tolist() == mask
    assert bitset.to_rows(bits, len(mask)).tolist() == rows
    assert bits.bit_count() == len(rows)


@given(MASKS, MASKS)
def test_algebra_of_integers_is_that_of_sets(one: list[bool], other: list[bool]) -> None:
    rows = min(len(one), len(other))
    a, b = np.array(one[:rows], np.bool_), np.array(other[:rows], np.bool_)
    every = bitset.everything(rows)
    first, second = bitset.from_mask(a), bitset.from_mask(b)
    assert bitset.to_mask(first & second, rows).tolist() == (a & b).tolist()
    assert bitset.to_mask(first | second, rows).tolist() == (a | b).tolist()
    assert bitset.to_mask(every ^ first, rows).tolist() == (~a).tolist()


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 64, 65, 24_000])
def test_everything_is_every_row_and_no_other(rows: int) -> None:
    assert bitset.to_mask(bitset.everything(rows), rows).tolist() == [True] * rows
    assert bitset.to_rows(0, rows).tolist() == []
    assert bitset.everything(rows).bit_length() == rows
