"""Records of one plan that come in columns: what is worked out for many records at once need not become rows first.

A column is dictionary encoded text, or lists of texts. A row whose code is null does not have the field, as a row in no run of `gathered`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kazami.model.evidence import Evidence
from kazami.sources import identity, text
from kazami.sources.plan import Plan

Codes = npt.NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Slab:
    """Records of one plan and one piece of evidence that wait: `columns` by the plan's cells (that of the time holds integers),
    `raws` their original texts (UTF-8), `records` their numbers."""

    plan: Plan
    columns: list[pa.Array]
    raws: pa.StringArray
    records: list[int]
    owner: Evidence

    @property
    def rows(self) -> int:
        """How many records these are."""
        return len(self.records)

    @property
    def size(self) -> int:
        """Bytes of the original texts."""
        return int(self.raws.nbytes)

    @property
    def owners(self) -> list[tuple[Evidence, int]]:
        """From which evidence, as of rows."""
        return [(self.owner, 0)]

    def lengths(self) -> list[int]:
        """Rows of each owner."""
        return [self.rows]

    def digests(self) -> list[bytes]:
        """SHA-256 of each original text."""
        ends = np.frombuffer(self.raws.buffers()[1], np.int32)[self.raws.offset :][: self.rows + 1].tolist()
        data = memoryview(self.raws.buffers()[2])
        return identity.digests([data[at:end] for at, end in pairwise(ends)])


def coded(codes: npt.NDArray[Any], texts: Sequence[str]) -> pa.DictionaryArray:
    """The text of each code; below 0 the row does not have the field."""
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()))


def distinct(texts: pa.StringArray) -> pa.DictionaryArray:
    """Texts that are all different."""
    return pa.DictionaryArray.from_arrays(pa.array(np.arange(len(texts), dtype=np.int32)), texts)


def taken(column: pa.DictionaryArray, rows: Codes) -> pa.DictionaryArray:
    """Some rows, with those texts only that they have."""
    codes = column.indices.to_numpy()[rows]
    there = np.zeros(len(column.dictionary), np.bool_)
    there[codes] = True
    place = np.cumsum(there, dtype=np.int32) - 1
    texts = column.dictionary if there.all() else column.dictionary.filter(pa.array(there))
    return pa.DictionaryArray.from_arrays(pa.array(place[codes], pa.int32()), texts)


def transformed(columns: list[pa.Array], made: Callable[[list[list[Any]]], list[str | None]]) -> pa.Array:
    """What `made` makes of each row's cells; it is asked once for equal cells."""
    if any(pa.types.is_list(column.type) for column in columns):
        found = text.plain_array(made([column.to_pylist() for column in columns]))
        return found.dictionary_encode()
    codes, inputs = _distinct(columns)
    return text.plain_array(made(inputs)).dictionary_encode().take(pa.array(codes))


def _distinct(columns: list[pa.DictionaryArray]) -> tuple[Codes, list[list[Any]]]:
    """For each row the number of its combination of cells, and the cells of each combination, column by column."""
    values = [[*column.dictionary.to_pylist(), None] for column in columns]
    codes = [
        column.indices.cast(pa.int64()).fill_null(len(column.dictionary)).to_numpy() for column in columns
    ]
    if len(columns) == 1:
        return codes[0], values
    first, key = np.arange(len(codes[0])), np.zeros(len(codes[0]), np.int64)
    for own, known in zip(codes, values, strict=True):
        _, first, key = np.unique(key * len(known) + own, return_index=True, return_inverse=True)
    return key, [[known[n] for n in own[first].tolist()] for own, known in zip(codes, values, strict=True)]


def joined(pieces: list[tuple[Codes, pa.Array]], total: int) -> pa.Array | None:
    """One column of `total` rows of pieces, each at its rows; None where no row has the field."""
    pieces = [(rows, array) for rows, array in pieces if array.null_count < len(array)]
    if not pieces:
        return None
    if any(pa.types.is_list(array.type) for _, array in pieces):
        return _lists(pieces, total)
    if len(pieces) == 1 and len(pieces[0][0]) == total:
        return pieces[0][1]
    whole = pa.concat_arrays([array.dictionary for _, array in pieces]).dictionary_encode("encode")
    codes, place = whole.indices.to_numpy(), 0
    indices, missing = np.zeros(total, np.int32), np.ones(total, np.bool_)
    for rows, array in pieces:
        own = array.indices
        if own.null_count:
            there = own.is_valid().to_numpy(zero_copy_only=False)
            rows, own = rows[there], own.drop_null()
        indices[rows] = codes[place + own.to_numpy()]
        missing[rows] = False
        place += len(array.dictionary)
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=missing), whole.dictionary)


def _lists(pieces: list[tuple[Codes, pa.Array]], total: int) -> pa.ListArray:
    places, arrays, count = np.full(total, -1, np.int64), [], 0
    for rows, array in pieces:
        there = array.is_valid()
        kept, own = array.filter(there), rows[there.to_numpy(zero_copy_only=False)]
        arrays.append(kept if pa.types.is_list(kept.type) else text.list_array(kept.to_pylist()))
        places[own] = count + np.arange(len(own))
        count += len(own)
    return pa.concat_arrays(arrays).take(pa.array(places, mask=places < 0))
