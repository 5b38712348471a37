"""Beacons as RITA 5 scores them, so that its figures can be compared with ours.

Written after the description of its method (Active Countermeasures) and its published test figures, not after its code. Four scores from 0 to 1, and their
mean. Times are whole seconds, a second counts once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, Any]

#: Unique seconds that a pair must have, connections at which it is a strobe instead, bins over the day.
LEAST, STROBE, BINS = 4, 86_400, 24
_WINDOW, _HOUR = 86_400, 3_600
_LEAST_BINS, _IDEAL_RUN, _BIMODAL_BINS = 6, 12, 11


@dataclass(frozen=True, slots=True)
class Score:
    """The four scores and their mean, each rounded to three digits."""

    timestamp: float
    size: float
    histogram: float
    duration: float

    @property
    def total(self) -> float:
        """What RITA calls the beacon score."""
        return _round((self.timestamp + self.size + self.histogram + self.duration) / 4)


def window(first: int, last: int) -> tuple[int, int]:
    """The last day of data that reaches from `first` to `last`, in seconds."""
    return max(first, last - _WINDOW), last


def kept(times: Numbers, first: int) -> Numbers:
    """Which of `times` a window that begins at `first` takes: from the start of that hour on."""
    return times >= first // _HOUR * _HOUR


def score(times: Numbers, sizes: Numbers, first: int, last: int) -> Score | None:
    """The scores of connections at `times` that sent `sizes`, in data from `first` to `last`; None where RITA does not judge."""
    seconds = np.unique(np.floor(times))
    if len(seconds) < LEAST or len(times) >= STROBE:
        return None
    intervals = np.diff(seconds)
    counts = histogram(np.floor(times), first, last)
    return Score(
        spread(intervals[intervals > 0], 1.0),
        spread(sizes, 0.0),
        _histogram_score(counts),
        _duration_score(counts, seconds[0], seconds[-1], first, last),
    )


def spread(values: Numbers, default: float) -> float:
    """How little `values` scatter: the mean of one less Bowley's skewness, and one less the median deviation in medians."""
    ordered = np.sort(values)
    skew = bowley(ordered)
    return _round(((1 - abs(skew)) + deviation(ordered, default)) / 2)


def bowley(ordered: Numbers) -> float:
    """Bowley's skewness by quartiles; 0 where they lie too close, or the median on one of them."""
    low, middle, high = quartiles(ordered)
    if high - low < 10 or middle in (low, high):
        return 0.0
    return float((low + high - 2 * middle) / (high - low))


def quartiles(ordered: Numbers) -> tuple[float, float, float]:
    """The medians of the lower half, of all, and of the upper half; the middle one of an odd number is in neither."""
    half = len(ordered) // 2
    if not half:
        return (float(ordered[0]),) * 3 if len(ordered) else (0.0,) * 3
    return float(np.median(ordered[:half])), float(np.median(ordered)), float(np.median(ordered[-half:]))


def deviation(values: Numbers, default: float) -> float:
    """One less the median absolute deviation in medians; `default` where the median is below 1."""
    if not len(values):
        return default
    middle = float(np.median(values))
    if middle < 1:
        return default
    return max(0.0, (middle - float(np.median(np.abs(values - middle)))) / middle)


def histogram(times: Numbers, first: int, last: int) -> Numbers:
    """Connections in each of `BINS` equal stretches from `first` to `last`.

    Those of the hour in which the window begins are all kept: what comes before `first` is in the first bin.
    """
    last = max(last, first + 1)
    edges = np.linspace(first, last, BINS + 1)
    return np.histogram(np.clip(times, first, last), edges)[0]


def _histogram_score(counts: Numbers) -> float:
    mean = float(counts.mean())
    if not mean:
        return 0.0
    variation = float(counts.std()) / mean
    even = 0.0 if variation > 1 else 1 - variation
    return _round(max(even, _bimodal(counts)))


def _bimodal(counts: Numbers) -> float:
    """The share of bins in the two most frequent heights; one bin may be out of line."""
    filled = counts[counts > 0]
    if len(filled) < _BIMODAL_BINS:
        return 0.0
    step = math.ceil(float(counts.max()) * 0.05)
    groups = np.unique(filled // step, return_counts=True)[1]
    best = int(np.sort(groups)[-2:].sum())
    return min(1.0, best / max(len(filled) - 1, 1))


def _duration_score(counts: Numbers, begin: float, end: float, first: int, last: int) -> float:
    filled = counts > 0
    if int(filled.sum()) < _LEAST_BINS or last <= first:
        return 0.0
    coverage = math.ceil((end - begin) / (last - first) * 1000) / 1000
    return _round(max(min(coverage, 1.0), min(_longest(filled) / _IDEAL_RUN, 1.0)))


def _longest(filled: Numbers) -> int:
    """The longest run of filled bins, the last of which is followed by the first."""
    best = run = 0
    for bin_ in np.concatenate((filled, filled)):
        run = run + 1 if bin_ else 0
        best = max(best, run)
    return min(best, len(filled))


def _round(value: float) -> float:
    return math.floor(value * 1000 + 0.5) / 1000
