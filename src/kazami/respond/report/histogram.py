"""Counts of findings over time when the span is not known beforehand: sparse buckets that widen.

Buckets are kept only where something was found, at first one second wide. When there are too many of them,
the width goes up one step of `WIDTHS`, and neighbors are added together. Two bursts five years apart keep
their seconds; a million findings spread evenly over five years end in hours.
"""

from __future__ import annotations

from kazami.model.finding import LEVELS

#: Widths in seconds; each divides the next.
WIDTHS: tuple[int, ...] = (1, 5, 15, 60, 300, 900, 3600, 10800, 43200, 86400, 604800, 2419200, 31449600)

#: Findings of one bucket by level, weakest first.
Levels = list[int]


class Histogram:
    """Findings by bucket and level, for each of several lanes; at most `limit` buckets in all."""

    def __init__(self, limit: int = 20_000) -> None:
        self.limit = limit
        self.width = WIDTHS[0]
        self.buckets: dict[tuple[int, int], Levels] = {}

    def add(self, lane: int, second: int, rank: int, count: int = 1) -> None:
        """Count findings of level number `rank` at `second` (since the epoch, may be negative)."""
        levels = self.buckets.setdefault((lane, second // self.width), [0] * len(LEVELS))
        levels[rank] += count
        while len(self.buckets) > self.limit and self.width < WIDTHS[-1]:
            self._widen()  # at the end a bucket is a year: a lane cannot have more than 10,000 of them

    def _widen(self) -> None:
        step = WIDTHS.index(self.width) + 1
        factor, self.width = WIDTHS[step] // self.width, WIDTHS[step]
        old, self.buckets = self.buckets, {}
        for (lane, bucket), levels in old.items():
            total = self.buckets.setdefault((lane, bucket // factor), [0] * len(LEVELS))
            total[:] = [a + b for a, b in zip(total, levels, strict=True)]

    def lane(self, lane: int) -> dict[int, Levels]:
        """The buckets of one lane: start in seconds since the epoch, to counts by level; in order."""
        mine = {b * self.width: levels for (of, b), levels in self.buckets.items() if of == lane}
        return dict(sorted(mine.items()))
