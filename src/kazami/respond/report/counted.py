"""The tally of a report from figures that were counted elsewhere; `tally` counts finding by finding, and says the same.

Bounds are those of `tally`; where there are more names than it keeps, the most frequent are kept here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pyarrow as pa

from kazami.model.finding import LEVELS
from kazami.model.result import Totals
from kazami.respond.report.tally import ALL_PARTNERS, LANES, NAMES, PARTNERS, Group, RuleText, Tally

K = TypeVar("K")


def counted(totals: Totals) -> Tally:
    """The tally of the findings that `totals` counts."""
    tally = Tally()
    groups = totals.groups
    for row in totals.rules[:NAMES]:
        tally.texts[row["rule_id"]] = RuleText.of(row)
    room = _Room()
    tally.all = room.fill(groups, [], lambda key: "", lambda key: Group("")).get("", Group(""))
    tally.rules = room.fill(groups, ["rule"], lambda key: key[0], lambda key: Group(key[0]))
    tally.tenants = room.fill(groups, ["tenant"], lambda key: key[0], lambda key: Group(key[0], key[0]))
    tally.hosts = room.fill(groups, ["tenant", "host"], tuple, lambda key: Group(key[1], key[0]))
    tally.users = room.fill(groups, ["tenant", "user"], tuple, lambda key: Group(key[1], key[0]))
    tally.undated = sum(groups["count"].to_pylist()) - sum(groups["dated"].to_pylist())
    _seconds(tally, totals.seconds)
    return tally


def _seconds(tally: Tally, seconds: pa.Table) -> None:
    for tenant, host, second, rank, count in zip(*(c.to_pylist() for c in seconds.columns), strict=True):
        lane: int | None = 0
        if host:
            lane = tally.lanes.get((tenant, host))
            if lane is None and len(tally.lanes) < LANES:
                lane = tally.lanes[tenant, host] = len(tally.lanes) + 1
        if lane is not None:
            tally.time.add(lane, second, rank, count)


class _Room:
    """Makes groups, while there is room for the names of their partners."""

    def __init__(self) -> None:
        self._partners = 0

    def fill(
        self, groups: pa.Table, by: list[str], key: Callable[[Any], K], make: Callable[[Any], Group]
    ) -> dict[K, Group]:
        """The groups of findings that have the same in the columns `by`; a name that is empty makes none."""
        found: dict[K, Group] = {}
        figures = [("count", "sum"), ("first", "min"), ("last", "max")]
        dated = groups.filter(groups["dated"].to_numpy() > 0)
        times = {  # of no group at all Arrow makes one, of nothing
            row[: len(by)]: (row[-2] or "", row[-1] or "")
            for row in _rows(dated.group_by(by, use_threads=False).aggregate(figures[1:]), by, 2)
        }
        levels = groups.group_by([*by, "rank"], use_threads=False).aggregate(figures[:1])
        levels = levels.sort_by([("count_sum", "descending"), *((name, "ascending") for name in by)])
        for *names, rank, count in _rows(levels, [*by, "rank"], 1):
            if by and not names[-1]:
                continue
            group = found.get(key(names))
            if group is None:
                if len(found) >= NAMES:
                    continue
                group = found[key(names)] = make(names)
                group.levels = [0] * len(LEVELS)
                group.first, group.last = times.get(tuple(names), ("", ""))
            group.count += count
            group.levels[rank] += count
        self._partner(found, groups, by, key, ["rule"], lambda group, names: (group.rules, names[0]))
        self._partner(found, groups, by, key, ["tenant", "host"], lambda group, names: (group.hosts, names))
        return found

    def _partner(
        self,
        found: dict[K, Group],
        groups: pa.Table,
        by: list[str],
        key: Callable[[Any], K],
        partner: list[str],
        place: Callable[[Group, tuple[str, ...]], tuple[dict[Any, int], Any]],
    ) -> None:
        """Count the rules, or the hosts, of each group."""
        together = list(dict.fromkeys([*by, *partner]))
        pairs = groups.group_by(together, use_threads=False).aggregate([("count", "sum")])
        pairs = pairs.sort_by([("count_sum", "descending"), *((name, "ascending") for name in together)])
        own = [together.index(name) for name in by]
        other = [together.index(name) for name in partner]
        for *row, count in _rows(pairs, together, 1):
            group = found.get(key([row[i] for i in own]))
            names = tuple(row[i] for i in other)
            if group is None or not names[-1]:
                continue
            counts, name = place(group, names)
            if len(counts) < PARTNERS and self._partners < ALL_PARTNERS:
                counts[name] = count
                self._partners += 1


def _rows(table: pa.Table, names: list[str], figures: int) -> list[tuple[Any, ...]]:
    """The rows of an aggregated table: its names in this order, then its figures."""
    rest = [name for name in table.schema.names if name not in names]
    assert len(rest) == figures, "an aggregation gives its figures beside its keys"
    return list(zip(*(table[name].to_pylist() for name in (*names, *rest)), strict=True))
