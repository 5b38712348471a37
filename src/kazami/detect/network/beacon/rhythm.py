"""Our own judgement of a rhythm: how unlikely it is that chance kept it.

The null model is a Poisson process whose rate follows the hour of the day: either even, or as the source's other traffic goes. Time is
rescaled by that rate (the time-rescaling theorem: Brown et al., Neural Computation 14, 2002), after which intervals are exponential. A beacon's
intervals scatter less: their coefficient of variation, without those above three medians (pauses, sleep, work hours), is compared with what it is for
as many exponential ones. Chance bursts scatter more, so honest traffic of whatever rate gets p-values near 1. There is no window: days and weeks
of a rhythm of one a day count as much as an hour of one a minute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, Any]

#: Intervals that a rhythm must have.
LEAST = 4

#: Intervals of more than this many medians are pauses; they do not count, and neither does the null's share of them.
PAUSE = 3.0

#: Share of its traffic that a source is given for the hours in which it was never seen.
FLOOR = 0.2

#: Connections that open within this many seconds, and this share of the median interval, are one beat.
BURST, BURST_SHARE = 2.0, 0.05

#: Scatter of this share of an exponential's is still taken for chance: bursts are not quite exponential, and with
#: thousands of intervals any difference would be certain.
TOLERANCE = 0.9

#: A p-value of ten to minus this is a score of 1.
CERTAIN = 10.0

_HOUR, _DAY = 3600, 86_400
_TRIALS = 2000


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What was found: `p_value` after both null models, `period` and `jitter` (share of the period) in seconds, beats and pauses.

    `sizes` is the share of beats whose size is the most frequent one; it is told, not counted: sizes can be random.
    """

    p_value: float
    period: float
    jitter: float
    beats: int
    pauses: int
    span: float
    sizes: float

    @property
    def score(self) -> float:
        """From 0 (chance keeps such a rhythm easily) to 1 (p of 1e-10 or less)."""
        return round(min(1.0, abs(math.log10(max(self.p_value, 1e-300))) / CERTAIN), 3)


def profile(times: Numbers) -> Numbers:
    """The share of a source's traffic in each hour of the day (24 numbers, their mean is 1), never 0."""
    counts = np.bincount((times % _DAY // _HOUR).astype(np.int64), minlength=24)[:24].astype(np.float64)
    total = counts.sum()
    even = np.ones(24)
    return even if not total else (1 - FLOOR) * counts * 24 / total + FLOOR * even


def judge(times: Numbers, sizes: Numbers | None = None, hours: Numbers | None = None) -> Rhythm | None:
    """The rhythm of connections at `times` (seconds, in order); None where there are too few to have one.

    `hours` is the `profile` of the source's other traffic.
    """
    beats = _beats(np.asarray(times, np.float64))
    intervals = np.diff(beats)
    if len(intervals) < LEAST:
        return None
    median = float(np.median(intervals))
    if median <= 0:
        return None
    chances = [chance(intervals)]
    if hours is not None:
        chances.append(chance(np.diff(rescaled(beats, hours))))
    kept = intervals[intervals <= PAUSE * median]
    return Rhythm(
        min(1.0, len(chances) * min(chances)),
        median,
        float(np.median(np.abs(kept - median))) / median,
        len(beats),
        len(intervals) - len(kept),
        float(beats[-1] - beats[0]),
        _most_frequent(sizes),
    )


def _beats(times: Numbers) -> Numbers:
    """Connections that open together are one beat."""
    intervals = np.diff(times)
    real = intervals[intervals > BURST]
    if not len(real):
        return times
    near = min(BURST, BURST_SHARE * float(np.median(real)))
    beats: Numbers = times[np.concatenate(([True], intervals > near))]
    return beats


def rescaled(times: Numbers, hours: Numbers) -> Numbers:
    """`times` on a clock that runs as fast as the source is active in that hour of the day."""
    sums = np.concatenate(([0.0], np.cumsum(hours))) * _HOUR
    days, rest = np.divmod(times, _DAY)
    clock: Numbers = days * sums[-1] + np.interp(rest, np.arange(25) * _HOUR, sums)
    return clock


def chance(intervals: Numbers) -> float:
    """The probability that so many exponential intervals scatter as little as these."""
    variation, kept = scatter(intervals)
    if kept < LEAST:
        return 1.0
    mean, deviation = _null(_rounded(kept))
    mean += math.log(TOLERANCE)
    z = (math.log(max(variation, 1e-4)) - mean) / deviation
    if z >= 0:
        return min(1.0, 0.5 * math.erfc(-z / math.sqrt(2)))
    near = 0.5 * math.erfc(-z / math.sqrt(2))
    # The normal law falls too fast far out: of n spacings the chance of a scatter c falls as c to the power of n.
    far = math.exp(max(-690.0, (kept - 2) * (math.log(max(variation, 1e-4)) - mean)))
    return max(near, far)


def scatter(intervals: Numbers) -> tuple[float, int]:
    """The coefficient of variation of intervals without pauses, and how many those are."""
    kept = intervals[intervals <= PAUSE * np.median(intervals)]
    mean = float(kept.mean()) if len(kept) else 0.0
    return (float(kept.std(ddof=1)) / mean if mean > 0 and len(kept) > 1 else 1.0), len(kept)


def _rounded(count: int) -> int:
    """A number near `count` of which the null is known: two digits."""
    scale = int(10 ** max(0, len(str(count)) - 2))
    return count // scale * scale


@lru_cache(512)
def _null(count: int) -> tuple[float, float]:
    """Mean and deviation of the logarithm of `scatter` for exponential intervals of which `count` are no pauses."""
    if count > 990:
        mean, deviation = _null(990)
        return mean, deviation * math.sqrt(990 / count)
    shape = (_TRIALS if count < 200 else _TRIALS // 4, round(count / 0.875))
    drawn = np.random.default_rng(count).exponential(size=shape)
    counted = drawn <= PAUSE * np.median(drawn, axis=1, keepdims=True)
    number = counted.sum(axis=1)
    mean = np.where(counted, drawn, 0.0).sum(axis=1) / number
    squares = np.where(counted, (drawn - mean[:, None]) ** 2, 0.0).sum(axis=1)
    logarithms = np.log(np.maximum(np.sqrt(squares / np.maximum(number - 1, 1)) / mean, 1e-4))
    return float(logarithms.mean()), float(logarithms.std())


def _most_frequent(sizes: Numbers | None) -> float:
    if sizes is None or not len(sizes):
        return 0.0
    return round(float(np.unique(sizes, return_counts=True)[1].max()) / len(sizes), 3)
