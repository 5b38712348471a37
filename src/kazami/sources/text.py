"""Cells as text, and columns of text: what a value looks like once it is in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: Longest text of one cell in characters; what is longer is cut, `raw` keeps the whole.
MAX_TEXT = 1 << 20

_INTEGERS = frozenset((int, type(None)))

#: Whole floats of less than this are written as integers.
EXACT = 10**15


def text(cell: Any) -> str | None:
    """One cell as text: numbers and booleans in their JSON spelling, null as None, lone surrogates replaced."""
    if isinstance(cell, str):
        return clean(cell)
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT:
        return str(int(cell))
    return str(cell)


def clean(value: str) -> str:
    """`value` as valid UTF-8 of bounded length: half surrogate pairs cannot be stored."""
    value = value[:MAX_TEXT]
    if value.isascii():
        return value
    return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def quick_array(cells: Sequence[Any]) -> pa.Array | None:
    """An Arrow string array of cells that are all of one type; None where Arrow cannot convert them at once.

    Nearly all columns hold one type only, which Arrow converts without a Python call per cell.
    """
    try:
        if cells and type(cells[0]) is int:
            if not _INTEGERS.issuperset(map(type, cells)):  # told to make integers, Arrow would cut floats
                return None
            return pa.array(cells, pa.int64()).cast(pa.string())
        array = pa.array(cells, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        return None
    if array.nbytes > MAX_TEXT and (pc.max(pc.binary_length(array)).as_py() or 0) > MAX_TEXT:
        return None
    return array


def plain_array(cells: Sequence[Any]) -> pa.Array:
    """An Arrow string array of any cells but lists; None becomes null."""
    array = quick_array(cells)
    return pa.array([text(cell) for cell in cells], pa.string()) if array is None else array


def utf8_array(texts: Sequence[bytes]) -> pa.Array:
    """An Arrow string array of texts that are UTF-8 already; nothing is cut."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=offsets[1:])
    if offsets[-1] > np.iinfo(np.int32).max:
        raise OverflowError("a batch of more than 2 GiB of text")
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


def has_lists(cells: Sequence[Any]) -> bool:
    """Whether any cell holds several values."""
    return list in set(map(type, cells))


def list_array(cells: Sequence[Any]) -> pa.Array:
    """An Arrow ``list<string>`` array: a single value becomes a list of one, null an explicit null in a list."""
    return pa.array([_texts(cell) for cell in cells], pa.list_(pa.string()))


def _texts(cell: Any) -> list[str | None]:
    if not isinstance(cell, list):
        return [text(cell)]
    flat: list[str | None] = []
    waiting = cell[::-1]  # lists in lists may be nested deeper than functions may be
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item[::-1])
        else:
            flat.append(text(item))
    return flat


def spread(array: pa.DictionaryArray, runs: Sequence[tuple[int, int]], total: int) -> pa.DictionaryArray:
    """`array` put at `runs` (first row, rows) of a column of `total` rows; all other rows are missing."""
    rows = rows_of(runs)
    indices = np.zeros(total, np.int32)
    indices[rows] = array.indices.to_numpy()
    missing = np.ones(total, np.bool_)
    missing[rows] = False
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=missing), array.dictionary)


def spread_lists(array: pa.ListArray, runs: Sequence[tuple[int, int]], total: int) -> pa.ListArray:
    """The same for multi-valued columns."""
    positions = np.full(total, -1, np.int64)
    positions[rows_of(runs)] = np.arange(len(array))
    return array.take(pa.array(positions, mask=positions < 0))


def rows_of(runs: Sequence[tuple[int, int]]) -> np.ndarray[Any, Any]:
    """The numbers of all rows in `runs` (first row, rows)."""
    return np.concatenate([np.arange(start, start + count) for start, count in runs])
