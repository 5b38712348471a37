"""Which keys a table has already, told without asking it: 8 bytes a row, and no cost that grows with the table.

Only "certainly not" is an answer here. Where a fingerprint was seen before, the table itself has to be asked.
Fingerprints of events are stored in cases: how they are made cannot change without a new version of the schema.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import numpy.typing as npt

Fingerprints: TypeAlias = "npt.NDArray[np.uint64]"

#: Length of our uids: 32 hex digits.
_UID = 32

_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)


class Known:
    """The fingerprints of keys that were stored: sorted runs, merged as they grow."""

    def __init__(self) -> None:
        self._runs: list[Fingerprints] = []

    def add(self, fingerprints: Fingerprints) -> None:
        """These are stored from now on."""
        run = np.sort(fingerprints)
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        if len(run):
            self._runs.append(run)

    def may_have(self, fingerprints: Fingerprints) -> bool:
        """Whether any of these may be stored, or two of them are equal."""
        return not all_distinct(fingerprints) or any(contains(run, fingerprints).any() for run in self._runs)


def all_distinct(fingerprints: Fingerprints) -> bool:
    """Whether no two are equal."""
    ordered = np.sort(fingerprints)
    return not bool((ordered[1:] == ordered[:-1]).any())


def contains(run: Fingerprints, wanted: Fingerprints) -> npt.NDArray[np.bool_]:
    """Which of `wanted` are in `run`, which is sorted and not empty."""
    places = np.minimum(np.searchsorted(run, wanted), len(run) - 1)
    found: npt.NDArray[np.bool_] = run[places] == wanted
    return found


def fingerprints(columns: Iterable[pa.ChunkedArray]) -> Fingerprints:
    """One number a row of text columns without nulls: equal rows have equal numbers, others hardly ever."""
    with np.errstate(over="ignore"):
        mixed = None
        for column in columns:
            one = _column(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)
            mixed = one if mixed is None else (mixed * _ODD[0]) ^ one
    assert mixed is not None, "a key has a column"
    return mixed


def _column(column: pa.Array) -> Fingerprints:
    try:
        uids = column.cast(pa.binary()).cast(pa.binary(_UID))
    except pa.ArrowInvalid:
        return _repeated(column)
    words = np.frombuffer(uids.buffers()[1], np.uint64)[uids.offset * 4 : (uids.offset + len(uids)) * 4]
    mixed: Fingerprints = (words.reshape(-1, 4) * _ODD).sum(axis=1, dtype=np.uint64)
    return mixed ^ (mixed >> np.uint64(29))


def _repeated(column: pa.Array) -> Fingerprints:
    """Text of any length, of which there are few different ones."""
    codes = column.dictionary_encode()
    each = [blake2b(text.encode(), digest_size=8).digest() for text in codes.dictionary.to_pylist()]
    table = np.frombuffer(b"".join(each), np.uint64)
    found: Fingerprints = table[codes.indices.to_numpy()]
    return found
