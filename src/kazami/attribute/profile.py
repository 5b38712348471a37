"""What groups were reported to use, as a matrix: a row a group, a column a technique or a piece of malware.

A campaign's uses count for the groups that it is attributed to. Techniques that only happen before an intrusion
(reconnaissance, resource development) are left out, because no victim sees them; so are tools that anybody can have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kazami.intel.table import Table

#: Tactics outside a victim's network.
_OUTSIDE = frozenset({"reconnaissance", "resource-development"})

#: Uses that a group must be known for to be a candidate at all.
LEAST = 5

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Edge:
    """A use: places of group and feature, the reports that say so, and the campaign in which it was, if any."""

    group: int
    feature: int
    reports: frozenset[int]
    campaign: str = ""


@dataclass(frozen=True)
class Profiles:
    """All groups in force against all features; `parent` is a feature's parent technique, -1 where it has none."""

    table: Table
    groups: tuple[str, ...]
    features: tuple[str, ...]
    edges: tuple[Edge, ...]
    place: dict[str, int]
    parent: npt.NDArray[np.int64]
    children: dict[int, list[int]] = field(default_factory=dict)

    @cached_property
    def sources(self) -> dict[tuple[int, int], tuple[str, ...]]:
        """By group and feature: the reports that say so, sorted."""
        found: dict[tuple[int, int], set[str]] = defaultdict(set)
        for edge in self.edges:
            found[edge.group, edge.feature].update(self.table.citations[report] for report in edge.reports)
        return {pair: tuple(sorted(keys)) for pair, keys in found.items()}

    def matrix(self, without: Collection[int] = (), campaign: str = "") -> Matrix:
        """Groups x features, 1 where a use is reported; as if reports `without` and the `campaign` were not known."""
        left = frozenset(without)
        known = np.zeros((len(self.groups), len(self.features)))
        for edge in self.edges:
            if (campaign and edge.campaign == campaign) or (edge.reports and edge.reports <= left):
                continue
            known[edge.group, edge.feature] = 1.0
        return known


def profiles(table: Table) -> Profiles:
    """The profiles of all groups of `table`."""
    visible = {t.id for t in table.techniques if not t.state and not set(t.tactics) <= _OUTSIDE}
    visible |= {s.id for s in table.software if not s.state and s.kind == "malware"}
    groups = tuple(group.id for group in table.groups if not group.state)
    row = {group: number for number, group in enumerate(groups)}
    attributed = {one.id: one.groups for one in table.campaigns}
    found = [
        (group, use.target, frozenset(use.citations), use.source if use.source in attributed else "")
        for use in table.uses
        if use.target in visible
        for group in attributed.get(use.source, (use.source,))
        if group in row
    ]
    features = tuple(sorted({target for _, target, _, _ in found}))
    place = {feature: number for number, feature in enumerate(features)}
    edges = tuple(Edge(row[g], place[f], reports, campaign) for g, f, reports, campaign in found)
    parent = np.array([_parent(feature, place) for feature in features], dtype=np.int64)
    children: dict[int, list[int]] = {}
    for number, above in enumerate(parent.tolist()):
        if above >= 0:
            children.setdefault(above, []).append(number)
    return Profiles(table, groups, features, edges, place, parent, children)


def _parent(feature: str, place: dict[str, int]) -> int:
    parent, _, sub = feature.partition(".")
    return place.get(parent, -1) if sub else -1
