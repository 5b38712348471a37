"""Which rows of a flush share a file: days where there are many rows, ranges of days where there are few."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

#: Rows that make a file worth its cost. A day that has them is a file of its own; days that have fewer share files
#: of at least so many, as long as so many are left for the next.
ROWS = 8192

_DAY = 86_400_000_000  # microseconds
_EPOCH = date(1970, 1, 1).toordinal()
#: Stands for "no time" among times.
UNDATED = int(np.iinfo(np.int64).min)


@dataclass(frozen=True, slots=True)
class Share:
    """Rows `start` to `stop` of the ordered flush go to one file; `label` says which days these are."""

    start: int
    stop: int
    label: str


def split(times: npt.NDArray[np.int64], rows: int = ROWS) -> tuple[npt.NDArray[np.intp] | None, list[Share]]:
    """The order of rows by day (None: as they are) and the files that they go to.

    `times` are microseconds since 1970 in UTC, `UNDATED` where a row has none; undated rows come first and
    share the first file. Inside a day rows keep the order of the evidence.
    """
    days = np.where(times == UNDATED, UNDATED, times // _DAY)
    order = None
    if np.any(days[1:] < days[:-1]):
        order = np.argsort(days, kind="stable")
        days = days[order]
    starts = np.concatenate(([0], np.flatnonzero(np.diff(days)) + 1)) if len(days) else np.empty(0, np.int64)
    return order, _shares(days, starts, rows)


def _shares(days: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], rows: int) -> list[Share]:
    shares: list[Share] = []
    begin = 0
    stops = [*starts[1:].tolist(), len(days)]
    for start, stop in zip(starts.tolist(), stops, strict=False):
        if stop - start >= rows and start > begin:  # a day with many rows has a file of its own
            shares.append(_share(days, begin, start))
            begin = start
        has_enough = stop - begin >= rows and (len(days) - stop >= rows or start == begin)
        if has_enough or stop == len(days):
            shares.append(_share(days, begin, stop))
            begin = stop
    return shares


def _share(days: npt.NDArray[np.int64], start: int, stop: int) -> Share:
    inside = days[start:stop]
    dated = inside[inside != UNDATED]
    if not len(dated):
        return Share(start, stop, "undated")
    first, last = _label(int(dated[0])), _label(int(dated[-1]))
    return Share(start, stop, first if first == last else f"{first}_{last}")


def _label(day: int) -> str:
    return date.fromordinal(min(max(day + _EPOCH, 1), date.max.toordinal())).isoformat()
