"""The cells of one field from all shapes of a batch, on their way to one Arrow array."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from kazami.sources import slab, text


class Gathered:
    """Runs of cells, each at its rows; rows in no run do not have the field."""

    def __init__(self) -> None:
        self._cells: list[Any] = []
        self._runs: list[tuple[int, int]] = []  # first row, rows
        self._constants: list[Any] | None = []  # the one value of each run, while all runs have just one
        self._arrays: list[tuple[slab.Codes, pa.Array]] = []  # what came in columns, and its rows

    def add_constant(self, value: Any, rows: int, start: int) -> None:
        """The same value in `rows` rows from `start` on."""
        if isinstance(value, list):
            self._expand()
        self._runs.append((start, rows))
        if self._constants is not None:
            self._constants.append(value)
        else:
            self._cells.extend(itertools.repeat(value, rows))

    def add(self, values: Sequence[Any], start: int) -> None:
        """Cells of all rows from `start` on."""
        if self._constants is not None:
            if _is_constant(values):
                self.add_constant(values[0], len(values), start)
                return
            self._expand()
        self._runs.append((start, len(values)))
        self._cells.extend(values)

    def add_present(self, values: Sequence[str | None], start: int) -> None:
        """A transform that gives None says: this record does not have the field."""
        if None not in values:
            self.add(values, start)
            return
        self._expand()
        rows = [row for row, value in enumerate(values, start) if value is not None]
        self._cells.extend(value for value in values if value is not None)
        stops = [place for place in range(1, len(rows)) if rows[place] != rows[place - 1] + 1]
        for first, stop in zip([0, *stops], [*stops, len(rows)], strict=True):
            if stop > first:
                self._runs.append((rows[first], stop - first))

    def add_array(self, array: pa.Array, start: int) -> None:
        """The same as a column of a `slab.Slab`."""
        self._arrays.append((np.arange(start, start + len(array)), array))

    def _expand(self) -> None:
        """From now on cell by cell."""
        if self._constants is not None:
            for constant, (_, rows) in zip(self._constants, self._runs, strict=True):
                self._cells.extend(itertools.repeat(constant, rows))
            self._constants = None

    def array(self, total: int) -> pa.Array | None:
        """The column of `total` rows; None where no row has the field."""
        if self._arrays:
            own = [(text.rows_of(self._runs), self._run_array())] if self._runs else []
            return slab.joined([*own, *self._arrays], total)
        if not self._runs:
            return None
        array = self._run_array()
        if len(array) == total:
            return array
        if pa.types.is_list(array.type):
            return text.spread_lists(array, self._runs, total)
        return text.spread(array, self._runs, total)

    def _run_array(self) -> pa.Array:
        """Cells of all runs, one after the other."""
        if self._constants is not None:
            return _constant_runs(self._constants, [count for _, count in self._runs])
        return encoded(self._cells)


def _is_constant(values: Sequence[Any]) -> bool:
    """Whether all values are the same text or number.

    0 and 1 are left out, being equal to false and true, and what a float equals without being spelled like it.
    """
    first = values[0]
    if first != values[-1] or not isinstance(first, (str, int)) or first in (0, 1):
        return False
    return values.count(first) == len(values) and (isinstance(first, str) or abs(first) < text.EXACT)


def _constant_runs(constants: list[Any], lengths: list[int]) -> pa.DictionaryArray:
    texts = [text.text(constant) for constant in constants]
    codes = {value: code for code, value in enumerate(dict.fromkeys(texts))}
    indices = np.repeat(np.array([codes[value] for value in texts], np.int32), lengths)
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(list(codes), pa.string()))


def encoded(cells: Sequence[Any]) -> pa.Array:
    """Cells as dictionary encoded text, or as lists where any holds several values; null stays a value."""
    array = text.quick_array(cells)
    if array is None:
        if text.has_lists(cells):
            return text.list_array(cells)
        array = text.plain_array(cells)
    return array.dictionary_encode(null_encoding="encode")
