"""Findings of one rule at one place that follow each other, as one.

A scanner makes hundreds of thousands of findings of a dozen rules; correlation looks at each burst once. This is what keeps
its cost with the findings, and not with their square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kazami.correlate.entity import Ints, Pairs, distinct

Floats = np.ndarray[Any, np.dtype[np.float64]]

#: Microseconds of silence after which a strand ends; `TIMELESS` stands for findings without a time.
GAP = 300 * 1_000_000
TIMELESS = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Strands:
    """Parallel arrays, a place a strand; codes are -1 where there is nothing. `of_row` leads from findings to strands.

    `first` and `last` are microseconds since 1970, `TIMELESS` where unknown. Strands are in the order of their time,
    then of their codes, so that the order in which findings come changes nothing.
    """

    rule: Ints
    host: Ints
    user: Ints
    first: Ints
    last: Ints
    count: Ints
    of_row: Ints

    def __len__(self) -> int:
        return len(self.rule)


def strands(rule: Ints, host: Ints, user: Ints, time: Ints) -> Strands:
    """Group the findings of one tenant, given as parallel arrays of codes and times, into strands."""
    order = np.lexsort((time, user, host, rule))
    columns = [one[order] for one in (rule, host, user)]
    when = time[order]
    starts = np.ones(len(order), bool)
    same = np.ones(max(0, len(order) - 1), bool)
    for column in columns:
        same &= column[1:] == column[:-1]
    known = (when[1:] != TIMELESS) & (when[:-1] != TIMELESS)
    near = np.where(known, when[1:] - np.where(known, when[:-1], 0) <= GAP, when[1:] == when[:-1])
    starts[1:] = ~(same & near)
    begin = np.flatnonzero(starts)
    end = np.append(begin[1:], len(order))
    number = np.cumsum(starts) - 1
    first, last = when[begin], when[end - 1]
    heads = [column[begin] for column in columns]
    rank = np.lexsort((heads[2], heads[1], heads[0], first))
    place = np.empty_like(rank)
    place[rank] = np.arange(len(rank))
    of_row = np.empty(len(order), np.int64)
    of_row[order] = place[number]
    taken = [head[rank] for head in heads]
    return Strands(taken[0], taken[1], taken[2], first[rank], last[rank], (end - begin)[rank], of_row)


def lifted(pairs: Pairs, of_row: Ints) -> Pairs:
    """Entities of strands, from those of findings."""
    width = max(1, len(pairs.values))
    both = distinct(of_row[pairs.rows] * width + pairs.codes)
    return Pairs(pairs.kind, both // width, both % width, pairs.values)
