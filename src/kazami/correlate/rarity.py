"""How much it says that a rule was true: -log of how often it is, in this tenant, in nats.

A rule is judged by the hours in which it was true, the hour at hand left out, of all hours in which anything was found.
Where there are few hours, its level speaks: each level stands for a share of hours (`SHARES`) that weighs as much as
`PRIOR` hours seen. Counts say nothing: a scanner makes more findings in a minute than an intruder in a year.
"""

from __future__ import annotations

import numpy as np

from kazami.correlate.entity import Ints, distinct
from kazami.correlate.strand import TIMELESS, Floats
from kazami.model.finding import LEVELS, level_rank

HOUR = 3600 * 1_000_000

#: The share of hours in which a rule of a level is true, where nothing is known; and the hours that this weighs.
SHARES = dict(zip(LEVELS, (0.6, 0.3, 0.1, 0.03, 0.01), strict=True))
PRIOR = 12.0

#: No rule says more than this.
MOST = 7.0


def rule_weights(rule: Ints, time: Ints, levels: list[str]) -> Floats:
    """The weight of each rule in a tenant, by code. `rule` (codes) and `time` are those of its findings."""
    hour = np.where(time == TIMELESS, np.int64(-1), time // HOUR)
    total = len(np.unique(hour))
    _, hours = np.unique(hour, return_inverse=True)
    pair = distinct(rule * (total + 1) + hours)
    active = np.bincount(pair // (total + 1), minlength=len(levels))
    share = np.array([SHARES[LEVELS[level_rank(level)]] for level in levels])
    others = np.maximum(active - 1, 0)
    weight = -np.log((others + PRIOR * share) / (max(0, total - 1) + PRIOR))
    return np.clip(weight, 0.0, MOST)


def entity_weights(codes: Ints, size: int, everything: int) -> Floats:
    """How much it says to share an entity: -log of its share of `everything` strands of the tenant; by code."""
    counts = np.bincount(codes, minlength=size)
    return -np.log(np.maximum(counts, 1) / max(1, everything))
