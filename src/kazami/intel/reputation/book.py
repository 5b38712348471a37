"""A book of hashes: one sorted file, read through memory that the system shares.

Layout: a header of 64 bytes (magic, version, records, bits of the index), the index (2**bits + 1 numbers of 8 bytes: where
the records with these first bits begin), then records of 20 bytes: the first 16 bytes of the hash, and the number of its
label, little-endian. Records are sorted as bytes. 16 bytes are exact for any practical purpose: a second file with the
same first 128 bits of SHA-256 is not found by chance, and not known to be made on purpose.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kazami.errors import CaseError

MAGIC, VERSION = b"KAZAMI-HASHES", 1
KEY, RECORD, HEADER = 16, 20, 64
_HEAD = struct.Struct("<13sBxxQB")

#: One record, as numpy sees it.
KIND = np.dtype([("key", "V16"), ("label", "<u4")])
Records = np.ndarray[Any, np.dtype[np.void]]
Keys = np.ndarray[Any, np.dtype[np.uint8]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]

#: The same, as two numbers and a label.
_HALVES = np.dtype([("high", ">u8"), ("low", ">u8"), ("label", "<u4")])
_FIRST, _LABEL = struct.Struct(">Q").unpack_from, struct.Struct("<I").unpack_from

#: Buckets that a book is sorted in: 10^8 records take 8 MB each.
_BUCKETS = 256


class Book:
    """A book that is open for reading; a context manager. Raises CaseError where the file is none, or is cut."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            with file.open("rb") as stream:
                self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise CaseError(f"{file}: cannot be read: {error}") from error
        try:
            magic, version, self.count, self.bits = _HEAD.unpack_from(self._map)
        except struct.error as error:
            raise CaseError(f"{file}: is no book of hashes") from error
        self._start = HEADER + 8 * ((1 << min(self.bits, 32)) + 1)
        if magic != MAGIC or version != VERSION or self._start + self.count * RECORD != len(self._map):
            raise CaseError(f"{file}: is no book of hashes, or is cut")
        self._index = np.frombuffer(self._map, "<u8", (1 << self.bits) + 1, HEADER)
        self._halves = np.frombuffer(self._map, _HALVES, self.count, self._start)
        self._plain = memoryview(self._map)[HEADER : self._start].cast("Q")
        self._shift = 64 - self.bits

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        del self._index, self._halves
        self._plain.release()
        self._map.close()

    def labels(self, key: bytes) -> list[int]:
        """The numbers of the labels of a key of 16 bytes.

        The records with the same first bits are some four; they are searched in one piece, in place, which is quicker in
        Python than halving. Those of one key lie beside each other.
        """
        start, slot = self._start, _FIRST(key)[0] >> self._shift
        at, end = start + self._plain[slot] * RECORD, start + self._plain[slot + 1] * RECORD
        at = self._map.find(key, at, end)
        while (
            at >= 0 and (at - start) % RECORD
        ):  # the end of one record and the beginning of the next look like it
            at = self._map.find(key, at + 1, end)
        if at < 0:
            return []
        found = [_LABEL(self._map, at + KEY)[0]]
        at += RECORD
        while at < end and self._map[at : at + KEY] == key:
            found.append(_LABEL(self._map, at + KEY)[0])
            at += RECORD
        return found

    def many(self, keys: Keys) -> tuple[Numbers, Numbers]:
        """All labels of many keys at once: positions in `keys`, and the numbers of their labels, in the order of the positions.

        `keys` is (n, 16) bytes. They are taken in the order of the file, so that it is read once and forwards, and the n-th record of
        all their slots is compared at a time.
        """
        high, low = (keys[:, a : a + 8].copy().view(">u8").ravel().astype(np.uint64) for a in (0, 8))
        order = np.argsort(high)
        slot = (high[order] >> np.uint64(self._shift)).astype(np.int64)
        at, end = (self._index[slot + n].astype(np.int64) for n in (0, 1))
        where, labels = [], []
        while len(order := order[left := at < end]):
            at, end = at[left], end[left]
            same = (self._halves["high"][at] == high[order]) & (self._halves["low"][at] == low[order])
            where.append(order[same])
            labels.append(self._halves["label"][at[same]].astype(np.int64))
            at = at + 1
        found = np.concatenate([*where, np.zeros(0, np.int64)])
        sort = np.argsort(found, kind="stable")
        return found[sort], np.concatenate([*labels, np.zeros(0, np.int64)])[sort]

    def records(self) -> Iterator[Records]:
        """All records, in their order, a million at a time."""
        for first in range(0, self.count, 1 << 20):
            number = min(1 << 20, self.count - first)
            yield np.frombuffer(self._map, KIND, number, self._start + first * RECORD).copy()


def write(file: Path, parts: Iterable[Records]) -> int:
    """Write a book of all records in `parts`, each once, whatever their order: how many there are.

    Memory holds one part and one bucket of 256. Raises OSError where the disk is full; then nothing has changed.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=file.parent) as folder:
        counts = _bucketed(Path(folder), parts)
        bits = _bits(int(counts.sum()))
        made = Path(folder) / "book"
        with made.open("wb") as out:
            out.seek(HEADER + 8 * ((1 << bits) + 1))
            total, index = _sorted(Path(folder), out, bits)
            out.seek(0)
            out.write(_HEAD.pack(MAGIC, VERSION, total, bits).ljust(HEADER, b"\0"))
            out.write(index.astype("<u8").tobytes())
            out.flush()
            os.fsync(out.fileno())
        made.replace(file)
    return total


def _bits(records: int) -> int:
    """Bits of the index: some four records a slot, 128 MB at most."""
    return int(min(max(records.bit_length() - 2, 8), 24))


def _bucketed(folder: Path, parts: Iterable[Records]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Spread the records over files by their first byte."""
    counts = np.zeros(_BUCKETS, np.int64)
    for part in parts:
        first = part.view(np.uint8).reshape(len(part), RECORD)[:, 0]
        order = np.argsort(first, kind="stable")
        ends = np.cumsum(np.bincount(first, minlength=_BUCKETS))
        spread = part[order]
        begin = 0
        for bucket, end in enumerate(ends.tolist()):
            if end > begin:
                with (folder / f"{bucket:02x}").open("ab") as out:
                    out.write(spread[begin:end].tobytes())
                counts[bucket] += end - begin
            begin = end
    return counts


def _sorted(folder: Path, out: Any, bits: int) -> tuple[int, np.ndarray[Any, np.dtype[np.uint64]]]:
    """Sort each bucket and append it: how many records there are, and the index."""
    total = 0
    starts = np.zeros((1 << bits) + 1, np.uint64)
    for bucket in range(_BUCKETS):
        file = folder / f"{bucket:02x}"
        if not file.exists():
            continue
        raw = np.fromfile(file, np.uint8).reshape(-1, RECORD)
        file.unlink()
        high, low = (raw[:, a : a + 8].copy().view(">u8").ravel().astype(np.uint64) for a in (0, 8))
        label = raw[:, KEY:].copy().view("<u4").ravel()
        order = np.lexsort((label, low, high))
        high, low, label, raw = high[order], low[order], label[order], raw[order]
        fresh = np.ones(len(raw), bool)
        fresh[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1]) | (label[1:] != label[:-1])
        out.write(raw[fresh].tobytes())
        slots = (high[fresh] >> np.uint64(64 - bits)).astype(np.int64)
        starts[1:] += np.bincount(slots, minlength=1 << bits).astype(np.uint64)
        total += int(fresh.sum())
    return total, np.cumsum(starts, dtype=np.uint64)


def records(keys: Iterable[bytes], label: int) -> Records:
    """Records of keys of 16 bytes with one label."""
    raw = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY)
    made = np.zeros((len(raw), RECORD), np.uint8)
    made[:, :KEY] = raw
    made[:, KEY:] = np.array([label], "<u4").view(np.uint8)
    return made.ravel().view(KIND)
