"""What lies within the time of an incident, taken along: it extends one incident, and never joins two.

A finding that nothing ties, but that is unusual in its tenant, and comes within half an hour of a step of an incident, is
shown with it, as tied by time alone.
"""

from __future__ import annotations

import numpy as np

from kazami.correlate.entity import Ints
from kazami.correlate.link import MINUTE
from kazami.correlate.strand import TIMELESS, Floats, Strands

#: How near in time, and how much its rule must say.
NEAR, RARE = 30 * MINUTE, 1.5


def extended(label: Ints, found: Strands, weight: Floats, strong: Ints) -> tuple[Ints, Ints]:
    """Strands that are taken along, and the strands of incidents that they are nearest to in time.

    `label` is the incident of each strand, -1 for none; `strong` are the incidents that may take along.
    """
    free = np.flatnonzero((label < 0) & (weight >= RARE) & (found.first != TIMELESS))
    inside = np.flatnonzero(np.isin(label, strong) & (found.first != TIMELESS))
    if not free.size or not inside.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    near, distance = _nearest(free, inside, found)
    taken = distance <= NEAR
    return free[taken], near[taken]


def _nearest(free: Ints, inside: Ints, found: Strands) -> tuple[Ints, Ints]:
    """Of each of `free` the strand of `inside` that is nearest in time, and how far it is."""
    starts, ends = found.first[inside], np.maximum.accumulate(found.last[inside])
    holder = _holders(found.last[inside])
    after = np.searchsorted(starts, found.first[free], side="right")
    before, following = np.maximum(after - 1, 0), np.minimum(after, len(inside) - 1)
    far = np.iinfo(np.int64).max
    back = np.where(after > 0, np.maximum(0, found.first[free] - ends[before]), far)
    ahead = np.where(after < len(inside), np.maximum(0, starts[following] - found.last[free]), far)
    near = np.where(back <= ahead, inside[holder[before]], inside[following])
    return near, np.minimum(back, ahead)


def _holders(last: Ints) -> Ints:
    """Where the running maximum of `last` was reached."""
    running = np.maximum.accumulate(last)
    place = np.where(last == running, np.arange(len(last)), 0)
    return np.maximum.accumulate(place)
