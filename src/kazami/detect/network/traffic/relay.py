"""Relays: what comes into a machine goes out of it again, at the same time and of the same size.

T1090.001 (netsh portproxy, FRP, EarthWorm, SOCKS, ``ssh -D``). Two connections, A to B and B to C, that begin within `BEGINS` of each other, and carry the same
in both directions but for what a proxy adds. The idea is that of stepping-stone detection (Zhang and Paxson, "Detecting Stepping Stones", USENIX
Security 2000), on counters instead of packets. One pair of large equal flows, or several of any size, are no chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import SECOND, Numbers, Rows
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import HOUSEKEEPING, Traffic

ABOUT = "relays"
NEEDS = ("flow",)

RULES = rules(
    "flow",
    {
        "relay": (
            "A Machine Passes Connections On",
            "high",
            "What came into a machine went out of it again at once, with the same bytes in both directions, to another machine.",
            "command-and-control lateral-movement t1090.001 t1572",
            "Proxies and load balancers that are known",
        ),
        "relay-once": (
            "A Connection That Seems to Be Passed On",
            "medium",
            "A connection into a machine and one out of it began together and carry nearly the same bytes.",
            "command-and-control t1090.001",
            "Chance between busy machines; proxies",
        ),
        "relay-service": (
            "A Machine Passes Connections of Many On",
            "low",
            "Connections of many machines go through one, as through a proxy, a balancer or a name server.",
            "command-and-control t1090",
            "Proxies, load balancers, reverse proxies",
        ),
    },
)

#: How far the beginnings may lie apart; bytes that a flow has at least; what a proxy may add.
BEGINS, LEAST, ADDED, SHARE = 2 * SECOND, 400, 120, 0.005

#: Bytes of which one pair is no chance, and of which several are none; how many several are, and how many comers make a service.
LARGE, FAIR, SEVERAL, MANY = 20_000, 4_000, 3, 4

#: The share of connections to the same place that must have come from elsewhere.
MATCHED = 0.5

#: Connections out of a machine that are compared with one into it, and connections that are compared at once.
COMPARED, CHUNK = 64, 16_384


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Machine by machine that others call, and that calls others."""
    rows = traffic.flow
    carried = _Carried(rows)
    both = np.intersect1d(carried.near[carried.among], carried.far[carried.among])
    among = carried.among & (np.isin(carried.near, both) | np.isin(carried.far, both))
    goes = {int(carried.near[some[0]]): some for some in rows.groups("source", among=among)}
    for comes in rows.groups("target", among=among):
        out = goes.get(int(carried.far[comes[0]]))
        if out is not None:
            yield from _through(rows, carried, comes, out)


class _Carried:
    """What flows carry, as arrays; `among` are those that can be parts of a relay."""

    def __init__(self, rows: Rows) -> None:
        self.sent, self.received = rows.known("sent"), rows.known("received")
        self.near, self.far = rows.texts["source"].codes, rows.texts["target"].codes
        self.port, self.source_port = rows.known("port"), rows.known("source_port")
        tcp = rows.texts["proto"].among(("tcp",)) & ~np.isin(self.port, list(HOUSEKEEPING))
        enough = (self.sent + self.received >= LEAST) & (self.sent > 0) & (self.received > 0)
        self.among = tcp & enough


def _through(rows: Rows, carried: _Carried, comes: Numbers, goes: Numbers) -> Iterator[Hit]:
    """Relays through one machine: by where they go, and on which port."""
    pairs: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    used: set[int] = set()
    for before, after in _matches(rows, carried, comes, goes):
        if before not in used and after not in used:
            used.update((before, after))
            pairs[int(carried.far[after]), int(carried.port[after])].append((before, after))
    for (target, port), some in pairs.items():
        of_kind = goes[(carried.far[goes] == target) & (carried.port[goes] == port)]
        if len(some) >= MATCHED * len(of_kind):  # else it is chance between two busy neighbors
            yield from _hit(rows, carried, some)


def _matches(rows: Rows, carried: _Carried, comes: Numbers, goes: Numbers) -> Iterator[tuple[int, int]]:
    """Connections into and out of one machine that begin together and carry the same; the nearest in time first."""
    starts = rows.time[goes]
    lows = np.searchsorted(starts, rows.time[comes] - BEGINS // 20)
    highs = np.searchsorted(starts, rows.time[comes] + BEGINS, side="right")
    counts = np.minimum(highs - lows, COMPARED)
    for begin in range(0, len(comes), CHUNK):
        number = counts[begin : begin + CHUNK]
        left = np.repeat(np.arange(begin, begin + len(number)), number)
        offset = np.arange(len(left)) - np.repeat(np.cumsum(number) - number, number)
        before, after = comes[left], goes[lows[left] + offset]
        fits = alike(carried.sent[before], carried.sent[after])
        fits &= alike(carried.received[before], carried.received[after])
        fits &= (before != after) & ~_same(carried, before, after)
        # What goes back to who called is no relay, unless all is one machine.
        back = (carried.far[after] == carried.near[before]) & (carried.near[before] != carried.far[before])
        for place in np.flatnonzero(fits & ~back).tolist():
            yield int(before[place]), int(after[place])


def _same(carried: _Carried, before: Numbers, after: Numbers) -> Numbers:
    """Whether both are one connection, told twice."""
    found: Numbers = (
        (carried.near[before] == carried.near[after])
        & (carried.far[before] == carried.far[after])
        & (carried.source_port[before] == carried.source_port[after])
        & (carried.port[before] == carried.port[after])
    )
    return found


def alike(one: Numbers, others: Numbers) -> Numbers:
    """Whether sizes are the same but for what a proxy adds."""
    found: Numbers = np.abs(others - one) <= ADDED + SHARE * np.maximum(one, others)
    return found


def _hit(rows: Rows, carried: _Carried, some: list[tuple[int, int]]) -> Iterator[Hit]:
    sizes = np.array([float(carried.sent[before] + carried.received[before]) for before, _ in some])
    large, fair = int((sizes >= LARGE).sum()), int((sizes >= FAIR).sum())
    if not large and fair < SEVERAL:
        return
    comers = {rows.texts["source"][before] for before, _ in some}
    before, after = some[0]
    rule = "relay" if large >= 2 or fair >= SEVERAL else "relay-once"
    if len(comers) >= MANY:
        rule = "relay-service"
    said = {
        "from": ", ".join(sorted(comers)[:10]),
        "through": rows.texts["target"][before],
        "port there": str(int(carried.port[before])),
        "to": rows.texts["target"][after],
        "port": str(int(carried.port[after])),
        "pairs": number(len(some)),
        "bytes passed on": number(float(sizes.sum())),
        "milliseconds between": number(float(rows.time[after] - rows.time[before]) / 1000),
    }
    places = np.array([place for pair in some for place in pair])
    yield Hit(rule, rows, places, said, (said["through"], said["to"], said["port"]))
