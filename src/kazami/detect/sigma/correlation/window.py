"""Sliding windows over sorted entries, and the episodes that they join to.

A window is laid back from an event: it holds what its group has from one timespan before the event up to the
event itself, both ends included, so that two events exactly one timespan apart share a window. All events of
the same time are in it together. A window is *full* when no event can be added without losing another. Windows are
counted in entries, from `start` to `end`, both included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kazami.detect.sigma.correlation.matches import Ints


@dataclass(frozen=True, slots=True)
class Windows:
    """First and last entry of each window, both never falling."""

    start: Ints
    end: Ints

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, chosen: Ints) -> Windows:
        return Windows(self.start[chosen], self.end[chosen])


@dataclass(frozen=True, slots=True)
class Episode:
    """Windows that share entries, as one: its first and last entry; its first window, and the first after it."""

    start: int
    end: int
    opening: int
    closing: int


def windows(group: Ints, time: Ints, timespan: int, full: bool) -> Windows:
    """The windows of `timespan` microseconds over entries sorted by group and time; with `full` only these."""
    size = len(time)
    position = np.arange(size, dtype=np.int64)
    start = _starts(group, time, timespan, position)
    later = (group[1:] != group[:-1]) | (time[1:] != time[:-1])
    ending = start[1:] > start[:-1] if full else later
    chosen = np.flatnonzero(np.append(ending, True)[:size])
    return Windows(start[chosen], chosen)


def _starts(group: Ints, time: Ints, timespan: int, position: Ints) -> Ints:
    """For each entry the first of its group that is at most `timespan` before it: a binary search for all at once."""
    first_of_group = np.append(True, group[1:] != group[:-1])[: len(time)]
    low = np.maximum.accumulate(np.where(first_of_group, position, 0))
    high = position.copy()
    while np.any(low < high):
        middle = (low + high) >> 1
        inside = time[middle] >= time - timespan
        high = np.where(inside, middle, high)
        low = np.where(inside, low, middle + 1)
    return low


def episodes(met: Windows) -> list[Episode]:
    """Windows in which the condition is met, joined where they share entries."""
    if not len(met):
        return []
    apart = np.flatnonzero(met.start[1:] > met.end[:-1])
    first = np.concatenate(([0], apart + 1))
    last = np.append(apart, len(met) - 1)
    columns = (met.start[first], met.end[last], first, last + 1)
    return [Episode(*numbers) for numbers in zip(*(c.tolist() for c in columns), strict=True)]


def distinct(values: Ints, within: Windows) -> Ints:
    """How many different values each window holds.

    An entry is the first of its value in all windows that it is in and its forerunner is not; these
    are consecutive windows, because starts and ends never fall. So each entry counts one over one range of windows.
    """
    position = np.arange(len(values), dtype=np.int64)
    order = np.argsort(values, kind="stable")
    again = values[order[1:]] == values[order[:-1]]
    forerunner = np.full(len(values), -1, dtype=np.int64)
    forerunner[order[1:][again]] = order[:-1][again]
    opening = np.searchsorted(within.end, position, side="left")
    opening = np.maximum(opening, np.searchsorted(within.start, forerunner, side="right"))
    closing = np.searchsorted(within.start, position, side="right")
    counts = opening < closing
    size = len(within) + 1
    change = np.bincount(opening[counts], minlength=size) - np.bincount(closing[counts], minlength=size)
    return np.cumsum(change)[: len(within)]
