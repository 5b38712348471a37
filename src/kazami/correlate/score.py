"""Which of what hangs together is an incident, and how grave it is.

The score sums what each *distinct* rule says (`rarity`), never how often it was true, and adds `BONUS` for each further
tactic that follows in the order of the matrix: an intrusion goes on, noise goes round. It is in nats; people see it from
0 to 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from kazami.correlate.entity import Ints
from kazami.correlate.strand import Floats, Strands
from kazami.model.attack import TACTICS
from kazami.model.finding import LEVELS, level_rank

#: Nats from which on something is an incident: four or five rare rules, or more that are less rare.
ENOUGH = 18.0

#: A rule of level high or above, this rare, is one alone.
ALONE = 1.5
GRAVE = level_rank("high")

#: Nats for each further tactic in order.
BONUS = 1.5

_GRADES = ((70.0, "critical"), (30.0, "high"), (ENOUGH, "medium"), (0.0, "low"))


@dataclass(frozen=True, slots=True)
class Order:
    """The longest run of different tactics in the order of the matrix: the tactic of each step, and of the run."""

    of_step: list[str]
    run: list[str]


def sums(label: Ints, found: Strands, weight: Floats) -> Floats:
    """What the distinct rules of each strand's component say together; an array by label."""
    width = int(found.rule.max(initial=0)) + 1
    pair, inverse = np.unique(label * width + found.rule, return_inverse=True)
    strongest = np.zeros(len(pair))
    np.maximum.at(strongest, inverse, weight)
    total: Floats = np.bincount(pair // width, weights=strongest, minlength=len(found)).astype(np.float64)
    return total


def chosen(label: Ints, found: Strands, weight: Floats, levels: Ints) -> Ints:
    """The labels of components that are incidents. `levels` is the rank of each rule's level."""
    total = sums(label, found, weight)
    grave = (levels[found.rule] >= GRAVE) & (weight >= ALONE)
    alone = np.bincount(label[grave], minlength=len(found)) > 0
    return np.flatnonzero((total >= ENOUGH) | alone)


def order(options: Sequence[Sequence[str]]) -> Order:
    """The tactic of each step, of those that its rule names, so that the run in order is as long as can be.

    `options` are the tactics of the steps in the order of time. A step whose rule names none has "".
    """
    length = [0] * len(TACTICS)
    back: list[tuple[int, int] | None] = [None] * len(TACTICS)
    nodes: list[tuple[int, int, int]] = []  # step, tactic, node before
    for step, names in enumerate(options):
        for tactic in sorted((TACTICS.index(name) for name in names if name in TACTICS), reverse=True):
            before = max(range(tactic), key=lambda one: length[one], default=-1)
            reach = 1 + (length[before] if before >= 0 else 0)
            if reach > length[tactic]:
                link = back[before] if before >= 0 and length[before] else None
                nodes.append((step, tactic, link[0] if link else -1))
                length[tactic], back[tactic] = reach, (len(nodes) - 1, reach)
    of_step = [names[0] if names else "" for names in options]
    best = max(range(len(TACTICS)), key=lambda one: length[one])
    run: list[str] = []
    link = back[best]
    at = link[0] if link else -1
    while at >= 0:
        step, tactic, at = nodes[at]
        of_step[step] = TACTICS[tactic]
        run.append(TACTICS[tactic])
    return Order(of_step, run[::-1])


def shown(nats: float) -> float:
    """The score as people see it: 0 to 100, half of it at twice `ENOUGH`."""
    return round(100 * (1 - exp(-nats / 52)), 1)


def severity(nats: float, strongest: str) -> str:
    """The severity of an incident of `nats` whose strongest rare rule has the level `strongest`."""
    grade = next(name for least, name in _GRADES if nats >= least)
    return LEVELS[max(level_rank(grade), level_rank(strongest) - (nats < ENOUGH))]
