"""Sets of rows as Python integers: bit *i* is row *i*.

An ``and`` over 10,000 rows is one operation on 1,250 bytes, about ten times cheaper than the same on an
array of booleans, and "nothing matched" is the truth value of the number.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Rows: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
Mask: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"


def everything(rows: int) -> int:
    """All of `rows` rows."""
    return (1 << rows) - 1


def from_mask(mask: Mask) -> int:
    """The rows where `mask` is true."""
    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")


def from_rows(rows: Any) -> int:
    """The rows in a short sequence of row numbers."""
    bits = 0
    for row in rows:
        bits |= 1 << row
    return bits


def to_mask(bits: int, rows: int) -> Mask:
    """`bits` as an array of `rows` booleans."""
    packed = np.frombuffer(bits.to_bytes((rows + 7) // 8, "little"), np.uint8)
    return np.unpackbits(packed, count=rows, bitorder="little").view(np.bool_)


def to_rows(bits: int, rows: int) -> Rows:
    """The numbers of the rows in `bits`, ascending."""
    return np.flatnonzero(to_mask(bits, rows))
