"""Events of one table as columns: codes for texts, numbers as they are; no object per event.

Ten million flows take about a gigabyte. Texts of one kind (addresses) share their codes across columns and tables, so that
"who was the target here and the source there" is a comparison of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, Any]

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A column of text: `codes` into `values`, -1 where there is none."""

    codes: Numbers
    values: list[str]

    def where(self, true: Callable[[str], bool]) -> Numbers:
        """A mask of the rows whose value `true` says yes to; it is asked once for each different value that occurs."""
        found = np.zeros(len(self.values) + 1, bool)
        for code in self.present().tolist():
            found[code] = true(self.values[code])
        return found[self.codes]

    def present(self) -> Numbers:
        """The codes that occur."""
        found = np.zeros(len(self.values) + 1, bool)
        found[self.codes] = True
        return np.flatnonzero(found[:-1])

    def among(self, wanted: Iterable[str]) -> Numbers:
        """A mask of the rows that have one of these values."""
        known = frozenset(wanted)
        return self.where(known.__contains__)

    def __getitem__(self, row: int) -> str:
        """The text of a row, empty where there is none."""
        code = int(self.codes[row])
        return self.values[code] if code >= 0 else ""

    def distinct(self, rows: Numbers) -> list[str]:
        """The different values of some rows, in their order."""
        codes, first = np.unique(self.codes[rows], return_index=True)
        order = codes[np.argsort(first)]
        return [self.values[code] for code in order.tolist() if code >= 0]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Events of one table of one tenant, in the order of time.

    `time` is microseconds since 1970, `uid` 16 bytes an event. `texts` and `numbers` are what the question of the table
    names; a number that is not known is 0.
    """

    table: str
    time: Numbers
    uid: Numbers
    record: Numbers
    texts: Mapping[str, Texts]
    numbers: Mapping[str, Numbers]

    def __len__(self) -> int:
        return len(self.time)

    def where(self, chosen: Numbers) -> Rows:
        """Only the rows of a mask, or those at some places."""
        return replace(
            self,
            time=self.time[chosen],
            uid=self.uid[chosen],
            record=self.record[chosen],
            texts={name: Texts(text.codes[chosen], text.values) for name, text in self.texts.items()},
            numbers={name: column[chosen] for name, column in self.numbers.items()},
        )

    def known(self, name: str) -> Numbers:
        """A column of numbers, 0 where they are not known."""
        return self.numbers[name]

    def groups(self, *names: str, least: int = 1, among: Numbers | None = None) -> Iterator[Numbers]:
        """Places of rows that share these texts (or numbers), in the order of time; rows without one of the texts are left out.

        `among` is a mask of the rows that count.
        """
        places = (
            np.arange(len(self), dtype=np.int32) if among is None else np.flatnonzero(among).astype(np.int32)
        )
        key = np.zeros(len(places), np.int64)
        for name in names:
            column = self.texts[name].codes if name in self.texts else self.known(name)
            codes = column[places].astype(np.int32, copy=False)
            right = codes >= 0
            if not right.all():
                places, key, codes = places[right], key[right], codes[right]
            key = _joined(key, codes)
        places, bounds = _sorted(places, key)
        del key
        enough = np.flatnonzero(np.diff(bounds) >= least)
        for start, stop in zip(bounds[enough].tolist(), bounds[enough + 1].tolist(), strict=True):
            yield places[start:stop]


def _sorted(places: Numbers, key: Numbers) -> tuple[Numbers, Numbers]:
    """Places in the order of their keys (which are given away), and where one key ends and the next begins."""
    order = _order(key)
    cuts = np.flatnonzero(key[1:] != key[:-1]) + 1
    return places[order], np.concatenate(([0], cuts, [len(key)])) if len(key) else np.zeros(1, np.int64)


def _order(key: Numbers) -> Numbers:
    """Where sorted keys stood before; `key` is sorted. Equal ones keep their order.

    Key and place are one number where they fit into 63 bits: sorting those takes a third of the memory, and half of the time.
    """
    bits = len(key).bit_length()
    if int(key.max(initial=0)) >= 1 << (63 - bits):
        order = np.argsort(key, kind="stable")
        key[:] = key[order]
        return order
    key <<= bits
    key |= np.arange(len(key), dtype=np.int32)
    key.sort()
    order = (key & ((1 << bits) - 1)).astype(np.int32)
    key >>= bits
    return order


def _joined(key: Numbers, codes: Numbers) -> Numbers:
    """One number for two; numbered anew where they would grow too large to be sorted with their places."""
    width = int(codes.max(initial=0)) + 1
    most = (1 << (63 - len(key).bit_length())) // width
    if int(key.max(initial=0)) >= most:
        order = _order(key)
        changed = np.zeros(len(key), np.int32)
        changed[1:] = key[1:] != key[:-1]
        key[order] = np.cumsum(changed, dtype=np.int32)
    key *= width
    key += codes
    return key


def recorded(rows: Rows, told: Rows) -> Numbers:
    """Flows that records are about: with the same source and its port."""
    near = np.zeros(len(rows.texts["source"].values) + 1, bool)
    near[told.texts["source"].codes] = True
    near[-1] = False
    found: Numbers = near[rows.texts["source"].codes]
    found &= np.isin(rows.known("source_port"), told.known("source_port"))
    places = np.flatnonzero(found)
    found[places] = np.isin(end(rows, places), end(told, slice(None)))
    return found


def end(rows: Rows, places: Numbers | slice, address: str = "source", port: str = "source_port") -> Numbers:
    """An address and its port as one number: of the source, which connection a record is about."""
    codes: Numbers = rows.texts[address].codes[places].astype(np.int64)
    codes *= 65_536
    codes += rows.known(port)[places].astype(np.int64, copy=False)
    return codes


def bursts(times: Numbers, places: Numbers, gap: int) -> Iterator[Numbers]:
    """`places` (in the order of time) cut where more than `gap` microseconds lie between two."""
    if len(places):
        cuts = np.flatnonzero(np.diff(times[places]) > gap) + 1
        yield from np.split(places, cuts)


def window(times: Numbers, places: Numbers, width: int, least: int) -> Numbers:
    """The first run of `places` within `width` microseconds that has `least` of them, as long as it goes on so; else none.

    Used where a count within a time is what tells: the run grows while each next event still has `least` events in the
    `width` before it.
    """
    if len(places) < least:
        return places[:0]
    when = times[places]
    behind = np.searchsorted(when, when - width, side="left")
    count = np.arange(len(when)) - behind + 1
    full = np.flatnonzero(count >= least)
    if not len(full):
        return places[:0]
    end = int(full[0])
    while end + 1 < len(when) and count[end + 1] >= least:
        end += 1
    return places[int(behind[full[0]]) : end + 1]
