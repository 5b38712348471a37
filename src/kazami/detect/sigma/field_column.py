"""One column of a batch as the matcher sees it: few distinct values, and a code for every row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from kazami.detect.sigma import bitset

#: With so few rows, bits are set one by one; with more, a table look-up for all rows is cheaper.
FEW_ROWS = 24


class FieldColumn:
    """Distinct `values` (None is an explicit null) and the rows where each stands.

    A row of a multi-valued column may stand at several values; a missing row at none.
    """

    def __init__(self, array: pa.Array, rows: int) -> None:
        self._rows = rows
        self._owners: Any = None  # for multi-valued columns: the row of each code
        if pa.types.is_list(array.type):
            self._owners = np.repeat(np.arange(rows), np.asarray(array.value_lengths().fill_null(0)))
            self._present = from_validity(array)
            array = array.flatten()
        if not pa.types.is_dictionary(array.type):
            array = array.cast(pa.string()).dictionary_encode(null_encoding="encode")
        self.values: list[str | None] = array.dictionary.to_pylist()
        indices = array.indices
        self._has_missing = indices.null_count > 0
        # Missing rows get the code behind the last value, which no answer ever names.
        self.codes = np.asarray(indices.fill_null(len(self.values)) if self._has_missing else indices)
        self._order: Any = None
        self._starts: Any = None

    @property
    def multiple(self) -> bool:
        """Whether a row may hold several values."""
        return self._owners is not None

    def present(self) -> int:
        """The rows that have the field, whatever its value."""
        if self._owners is not None:
            return self._present
        if not self._has_missing:
            return bitset.everything(self._rows)
        return bitset.from_mask(self.codes != len(self.values))

    def rows(self, codes: Iterable[int]) -> int:
        """The rows where any of the values with these codes stands."""
        wanted = list(codes)
        if not wanted:
            return 0
        if self._order is None:
            self._sort()
        starts = self._starts
        if sum(int(starts[code + 1] - starts[code]) for code in wanted) <= FEW_ROWS:
            return bitset.from_rows(
                row for code in wanted for row in self._order[starts[code] : starts[code + 1]].tolist()
            )
        table = np.zeros(len(self.values) + 1, np.bool_)
        table[wanted] = True
        mask = table[self.codes]
        if self._owners is not None:
            spread = np.zeros(self._rows, np.bool_)
            spread[self._owners[mask]] = True
            mask = spread
        return bitset.from_mask(mask)

    def _sort(self) -> None:
        order = np.argsort(self.codes, kind="stable")
        counts = np.bincount(self.codes, minlength=len(self.values) + 1)
        self._starts = np.concatenate(([0], np.cumsum(counts)))
        self._order = order if self._owners is None else self._owners[order]

    def cells(self) -> list[tuple[str | None, ...]]:
        """The values of every row: none where it is missing, several where there are several."""
        if self._owners is None:
            single: list[tuple[str | None, ...]] = [*((value,) for value in self.values), ()]
            return [single[code] for code in self.codes.tolist()]
        found: list[list[str | None]] = [[] for _ in range(self._rows)]
        for owner, code in zip(self._owners.tolist(), self.codes.tolist(), strict=True):
            found[owner].append(self.values[code])
        return list(map(tuple, found))

    def text(self, rows: Any) -> list[str | None]:
        """The value at each of `rows`, several joined by a comma and a blank."""
        if self._owners is None:
            values = [*self.values, None]
            return [values[code] for code in self.codes[rows].tolist()]
        joined: dict[int, list[str]] = {}
        for owner, code in zip(self._owners.tolist(), self.codes.tolist(), strict=True):
            joined.setdefault(owner, []).append(self.values[code] or "")
        return [", ".join(joined[row]) if row in joined else None for row in rows.tolist()]


def from_validity(array: pa.Array) -> int:
    """The rows of `array` that are not null."""
    return bitset.from_mask(np.asarray(array.is_valid()))
