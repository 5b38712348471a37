"""What talks to the outside day and night.

Rarity cannot see what never stops: a tunnel that runs since before the evidence begins is no rare thing in it. People sleep and
backups end; a rule of command and control or exfiltration that is true on one or two hosts hour after hour, for more than
a day, is a channel. It is an incident of its own, and takes part in no other.
"""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np

from kazami.correlate import score, words
from kazami.correlate.entity import Ints
from kazami.correlate.link import HOUR, chained
from kazami.correlate.strand import TIMELESS, Strands
from kazami.model.finding import LEVELS, level_rank
from kazami.model.incident import Incident

#: A channel is silent for at most this long, lasts at least so long, and has findings in this share of its hours.
SILENCE, LASTS, FILL = 2 * HOUR, 24 * HOUR, 0.8

#: Findings below which nothing is said, and hosts above which a rule speaks of the network and not of one channel.
LEAST, HOSTS, SHARE = 10, 2, 0.2

#: Nats that a channel counts as, and one more for each factor of e in its hours.
LASTING = 20.0

TACTICS = frozenset({"command-and-control", "exfiltration"})


def channels(found: Strands, outward: Ints, cap: int) -> Ints:
    """For each strand the first strand of its channel, -1 where it is in none.

    `outward` are the codes of rules about talk to the outside; `cap` is the number of hosts of the tenant.
    Runs of the same rule that overlap, such as on the machine and on the firewall, are one channel.
    """
    rows = np.flatnonzero(np.isin(found.rule, outward) & (found.first != TIMELESS))
    place = _run(
        rows, (found.rule[rows] + 1) * (int(found.host.max(initial=0)) + 2) + found.host[rows] + 1, found
    )
    long = _ceaseless(rows, place, found)
    together = _run(rows[long], found.rule[rows[long]], found)
    of_strand = np.full(len(found), -1, np.int64)
    of_strand[rows[long]] = together
    for first in np.unique(together).tolist():
        inside = of_strand == first
        if len(np.unique(found.host[inside])) > max(HOSTS, SHARE * cap):
            of_strand[inside] = -1
    return of_strand


def _run(rows: Ints, codes: Ints, found: Strands) -> Ints:
    """The first strand of the run that each of `rows` is in."""
    source, target, _ = chained(rows, codes, found, SILENCE)
    parent = dict(zip(target.tolist(), source.tolist(), strict=True))
    root: dict[int, int] = {}
    for row in rows.tolist():  # in the order of time: what came before has its root
        root[row] = root[parent[row]] if row in parent else row
    return np.array([root[row] for row in rows.tolist()], np.int64)


def _ceaseless(rows: Ints, run: Ints, found: Strands) -> Ints:
    """Which of `rows` are in runs that never sleep: places in `rows`."""
    distinct, number = np.unique(run, return_inverse=True)
    first, last, count = (np.zeros(len(distinct), np.int64) for _ in range(3))
    first[:] = np.iinfo(np.int64).max
    last[:] = TIMELESS
    np.minimum.at(first, number, found.first[rows])
    np.maximum.at(last, number, found.last[rows])
    np.add.at(count, number, found.count[rows])
    begin, end = found.first[rows] // HOUR, found.last[rows] // HOUR
    spread = np.repeat(np.arange(len(rows)), end - begin + 1)
    step = np.arange(len(spread)) - np.repeat(np.cumsum(end - begin + 1) - (end - begin + 1), end - begin + 1)
    hours = np.unique(np.stack([number[spread], begin[spread] + step]), axis=1)
    active = np.bincount(hours[0], minlength=len(distinct)) if hours.size else np.zeros(len(distinct))
    lasting = last - first >= LASTS
    filled = active >= FILL * ((last - first) / HOUR)
    return np.flatnonzero((lasting & filled & (count >= LEAST))[number])


def told(one: Incident) -> Incident:
    """The incident of a channel: what it is called, and why it is one."""
    hours = round((one.last - one.first).total_seconds() / 3600) if one.first and one.last else 0
    what = words.tactics(one.tactics or ("command-and-control",))
    title = words.fill(
        words.CHANNEL, what=what, hosts=words.several(one.hosts) if one.hosts else words.NOWHERE
    )
    nats = LASTING + log(max(1, hours))
    return replace(
        one,
        title=title,
        why=(words.fill(words.WHY_CHANNEL, hours=hours), *one.why),
        score=max(one.score, score.shown(nats)),
        severity=LEVELS[max(level_rank(one.severity), level_rank("medium"))],
    )
