"""Time in phases: an intrusion is hours of work between days and months of silence.

Each phase has a scale of its own, linear within it; what lies between phases is silence, and its length is written there.
An axis of one scale would show a dot for each visit, and nothing of what was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

#: Seconds that a silence has at least, and its share of what is left of the time: shorter ones are drawn as they are.
SHORTEST, SHARE = 900, 0.08

#: Of two findings of one step so many seconds apart on the average it is said that it went on in between.
STEADY = 3600

#: Pixels from which on a phase has ticks, pixels between two of them, and the seconds that they may be apart.
BROAD, ROOM = 220, 84
TICKS = (
    1,
    5,
    15,
    60,
    300,
    900,
    3600,
    10_800,
    21_600,
    43_200,
    86_400,
    172_800,
    604_800,
    2_419_200,
    31_449_600,
)

#: Seconds of an active stretch: first and last.
Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of time drawn on one linear scale: seconds `start` to `stop` at `left` to `right`; `silence` came before it."""

    start: float
    stop: float
    left: float = 0.0
    right: float = 0.0
    silence: float = 0.0

    def at(self, second: float) -> float:
        """Where a second lies; a phase that has no length lies in its middle."""
        if self.stop <= self.start:
            return (self.left + self.right) / 2
        share = min(max((second - self.start) / (self.stop - self.start), 0.0), 1.0)
        return self.left + (self.right - self.left) * share


def stretches(first: float, last: float, findings: int) -> list[Stretch]:
    """When a step was active: all the time between its findings where they are close, else when it was seen."""
    if last - first <= STEADY * max(findings - 1, 0):
        return [(first, last)]
    return [(first, first), (last, last)]


def phases(active: Sequence[Stretch], most: int) -> list[Phase]:
    """At most `most` phases of `active` stretches, cut at the longest silences; without a place yet."""
    merged = _merged(active)
    if not merged:
        return []
    gaps = sorted(
        ((after[0] - before[1], n) for n, (before, after) in enumerate(pairwise(merged), 1)), reverse=True
    )
    left, cuts = merged[-1][1] - merged[0][0], []
    for gap, number in gaps[: most - 1]:
        if gap < SHORTEST or gap < SHARE * left:
            break
        cuts.append(number)
        left -= gap
    edges = [0, *sorted(cuts), len(merged)]
    found = [Phase(merged[a][0], merged[b - 1][1]) for a, b in pairwise(edges)]
    silences = [0.0, *(after.start - before.stop for before, after in pairwise(found))]
    return [Phase(one.start, one.stop, silence=gap) for one, gap in zip(found, silences, strict=True)]


def placed(
    found: Sequence[Phase], needs: Sequence[float], left: float, right: float, gap: float
) -> list[Phase]:
    """The phases side by side from `left` to `right`, each as wide as it needs if there is room, `gap` between them."""
    room = max(right - left - gap * (len(found) - 1), 1.0)
    total = sum(needs) or 1.0
    widths = [need * room / total for need in needs]
    made, x = [], left
    for one, width in zip(found, widths, strict=True):
        made.append(Phase(one.start, one.stop, x, x + width, one.silence))
        x += width + gap
    return made


def ticks(phase: Phase) -> list[float]:
    """Round seconds of a broad phase, in UTC; none of a small one."""
    length, room = phase.stop - phase.start, phase.right - phase.left
    if room < BROAD or length <= 0:
        return []
    step = next((one for one in TICKS if length / one <= room / ROOM), TICKS[-1])
    first = -(-int(phase.start) // step) * step
    return [float(second) for second in range(first, int(phase.stop) + 1, step)][:100]


def _merged(active: Sequence[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for first, last in sorted(active):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
