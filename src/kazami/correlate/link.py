"""Ties between strands: what two of them share, each kind with its limit in time and its cap.

A tie is made between neighbors in time among those that share an entity, so that there are never more ties than
findings have entities. What everything shares says nothing: an entity on more hosts than its kind may be is *hot* and ties
nothing. Strands too weak for a kind of tie take no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kazami.correlate.entity import Ints, Pairs, distinct
from kazami.correlate.rarity import entity_weights
from kazami.correlate.strand import TIMELESS, Floats, Strands

MINUTE = 60 * 1_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Limit:
    """How far a kind of tie reaches.

    `factor` is what a nat of rarity counts in this kind; `gap` is how many microseconds may lie between two findings;
    `rare` how much the rules of both must say; an entity on more than `hosts` hosts, and more than `share` of the
    tenant's, is hot.
    """

    factor: float
    gap: int
    rare: float = 0.0
    hosts: int = 10
    share: float = 0.3


#: In the order of weight. Process, session, hash and service are the same thing whenever they are seen again.
LIMITS: dict[str, Limit] = {
    "process": Limit(1.0, EVER, hosts=2),
    "session": Limit(0.9, EVER, hosts=2),
    "account": Limit(0.7, DAY, rare=1.5),
    "address": Limit(0.6, DAY, rare=1.5),
    "domain": Limit(0.55, DAY, rare=1.5),
    "hash": Limit(0.5, EVER, rare=1.5),
    "service": Limit(0.4, EVER, rare=1.5),
    "skeleton": Limit(0.35, EVER, rare=2.0),
    "contact": Limit(0.35, 5 * MINUTE, rare=1.5, hosts=EVER),
    "sweep": Limit(0.3, 10 * MINUTE, rare=3.0, hosts=EVER),
    "host": Limit(0.2, HOUR, rare=2.5, hosts=EVER),
}

#: Kinds whose ties outlast their limit in time where hardly anything else has the entity: at most so many strands.
LASTING, FEW = frozenset({"account", "address", "domain"}), 12


@dataclass(frozen=True, slots=True)
class Ties:
    """Ties of one kind: parallel arrays of strands, of the entity that they share (a code) and of its weight."""

    kind: str
    source: Ints
    target: Ints
    code: Ints
    weight: Floats
    values: list[str]
    hot: list[str]


def ties(kind: str, pairs: Pairs, found: Strands, weight: Floats, cap: int) -> Ties:
    """The ties that the entities `pairs` (of strands) make. `weight` is that of each strand's rule.

    `cap` is the number of hosts in the tenant.
    """
    limit = LIMITS[kind]
    size = len(pairs.values)
    wide = distinct(pairs.codes * (len(found) + 1) + found.host[pairs.rows] + 1) // (len(found) + 1)
    hosts = np.bincount(wide, minlength=size)
    most = max(limit.hosts, int(limit.share * cap))
    hot = hosts[pairs.codes] > most
    says = (weight[pairs.rows] >= limit.rare) & ~hot
    nats = entity_weights(pairs.codes, size, len(found))
    names = [pairs.values[one] for one in np.unique(pairs.codes[hot]).tolist()]
    near = chained(pairs.rows[says], pairs.codes[says], found, limit.gap)
    parts = [near]
    if limit.gap != EVER and kind in LASTING:
        few = np.bincount(pairs.codes, minlength=size)[pairs.codes] <= FEW
        parts.append(chained(pairs.rows[says & few], pairs.codes[says & few], found, EVER))
    source, target, code = (np.concatenate(one) for one in zip(*parts, strict=True))
    if kind == "sweep":  # over several hosts, or it is none
        apart = found.host[source] != found.host[target]
        source, target, code = source[apart], target[apart], code[apart]
    return Ties(
        kind, source, target, code, limit.factor * nats[code] if size else np.empty(0), pairs.values, names
    )


def chained(rows: Ints, codes: Ints, found: Strands, gap: int) -> tuple[Ints, Ints, Ints]:
    """Neighbors in time among strands with the same code: source, target, code.

    Between the end of all that came before and the beginning of the next at most `gap` microseconds may lie; a strand
    without a time is tied only where there is no such limit.
    """
    order = np.lexsort((rows, found.first[rows], codes))
    rows, codes = rows[order], codes[order]
    if len(rows) < 2:
        empty = np.empty(0, np.int64)
        return empty, empty, empty
    same = codes[1:] == codes[:-1]
    latest = _latest(found.last[rows], np.concatenate(([True], ~same)))
    if gap != EVER:
        begin = found.first[rows[1:]]
        known = (begin != TIMELESS) & (found.first[rows[:-1]] != TIMELESS)
        same &= known & (np.where(known, begin, 0) - np.where(known, latest[:-1], 0) <= gap)
    chosen = np.flatnonzero(same)
    return rows[chosen], rows[chosen + 1], codes[chosen]


def _latest(last: Ints, starts: Ints) -> Ints:
    """The running maximum of `last` within groups that begin where `starts` is true."""
    if not len(last):
        return last
    low = int(last[last != TIMELESS].min()) if (last != TIMELESS).any() else 0
    shifted = np.where(last == TIMELESS, 0, last - low)
    group = np.cumsum(starts) - 1
    step = int(shifted.max()) + 1
    if step * (int(group[-1]) + 1) < EVER:
        return np.maximum.accumulate(shifted + group * step) - group * step + low
    rank = np.unique(shifted, return_inverse=True)
    running = np.maximum.accumulate(rank[1] + group * len(rank[0])) - group * len(rank[0])
    return rank[0][running] + low


def places(found: Strands, hosts: list[str], users: list[str]) -> Pairs:
    """The account on its host, as an entity: what an account does on one machine within a day hangs together."""
    rows = np.flatnonzero((found.host >= 0) & (found.user >= 0))
    both = found.host[rows] * max(1, len(users)) + found.user[rows]
    distinct, codes = np.unique(both, return_inverse=True)
    names = [f"{users[one % len(users)]} on {hosts[one // len(users)]}" for one in distinct.tolist()]
    return Pairs("account", rows, codes.astype(np.int64), names)


def swept(found: Strands, rules: list[str]) -> Pairs:
    """The rule itself, as an entity: the same rare thing on several hosts within minutes."""
    rows = np.flatnonzero(found.host >= 0)
    return Pairs("sweep", rows, found.rule[rows], rules)


def standing(found: Strands, hosts: list[str]) -> Pairs:
    """The host, as an entity: the weakest of all."""
    rows = np.flatnonzero(found.host >= 0)
    return Pairs("host", rows, found.host[rows], hosts)


def contacts(found: Strands, rows: Ints, hosts: Ints, weight: Floats, names: list[str]) -> Ties:
    """What the network did to a host, and what the host logged next to it in time, within minutes.

    `rows` are strands about connections, `hosts` the codes of the hosts at their ends. Each is tied to one strand of that host, the
    nearest before it and the nearest after it, that is not about a connection itself: time alone ties nothing else.
    """
    limit = LIMITS["contact"]
    about = np.zeros(len(found), bool)
    about[rows] = True
    others = np.flatnonzero(~about & (found.host >= 0) & (found.first != TIMELESS) & (weight >= limit.rare))
    order = others[np.lexsort((found.first[others], found.host[others]))]
    keys = found.host[order]
    made: list[tuple[int, int, int]] = []
    for row, host in zip(rows.tolist(), hosts.tolist(), strict=True):
        if host < 0 or weight[row] < limit.rare or found.first[row] == TIMELESS:
            continue
        low, high = np.searchsorted(keys, [host, host + 1]).tolist()
        at = low + int(np.searchsorted(found.first[order[low:high]], found.first[row]))
        for other in order[max(low, at - 1) : min(high, at + 1)].tolist():
            apart = max(found.first[other] - found.last[row], found.first[row] - found.last[other])
            if apart <= limit.gap:
                made.append((row, other, host))
    source, target, code = (
        (np.array(one, np.int64) for one in zip(*made, strict=True)) if made else (np.empty(0, np.int64),) * 3
    )
    nats = entity_weights(found.host[found.host >= 0], len(names), len(found))
    return Ties(
        "contact", source, target, code, limit.factor * nats[code] if len(names) else np.empty(0), names, []
    )
