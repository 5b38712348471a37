"""Relays: what comes into a machine goes out of it again, at the same time and of the same size.

T1090.001 (netsh portproxy, FRP, EarthWorm, SOCKS, ``ssh -D``). Two connections, A to B and B to C, that begin within `BEGINS` of each other, and carry the same
in both directions but for what a proxy adds. The idea is that of stepping-stone detection (Zhang and Paxson, "Detecting Stepping Stones", USENIX
Security 2000), on counters instead of packets. One pair of large equal flows, or several of any size, are no chance. In a reverse tunnel (FRP, ``ssh -R``)
B opens both, and the bytes are crossed.
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
        "relay-reverse": (
            "A Machine Joins Connections That It Opened Itself",
            "high",
            "A machine opened connections to one place and to another machine inside, which ended together and of which one brought what the other took, as reverse tunnels do.",
            "command-and-control lateral-movement t1090.001 t1572",
            "Agents of services that make machines reachable on purpose",
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

_Both = tuple[int, int]

#: How far the beginnings may lie apart; bytes that a flow has at least; what a proxy may add.
BEGINS, LEAST, ADDED, SHARE = 2 * SECOND, 400, 120, 0.005

#: Bytes of which one pair is no chance, and of which several are none; how many several are, and how many comers make a service.
LARGE, FAIR, SEVERAL, MANY = 20_000, 4_000, 3, 4

#: What the way out of a reverse tunnel has beside what it carries: FRP's two messages in JSON for each connection, and records of TLS around all of it.
TOLD, LOOSE = 400, 0.02

#: Bytes of the lesser direction: of what is copied from one place to another by two connections, only one direction is much, and acknowledgments are alike.
BOTH = 2_000

#: The share of connections to the same place that must have come from elsewhere.
MATCHED = 0.5

#: Connections out of a machine that are compared with one into it, and connections that are compared at once.
COMPARED, CHUNK = 64, 16_384


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Machine by machine that others call, and that calls others."""
    rows = traffic.flow
    carried = _Carried(traffic)
    both = np.intersect1d(carried.near[carried.among], carried.far[carried.among])
    among = carried.among & (np.isin(carried.near, both) | np.isin(carried.far, both))
    goes = {int(carried.near[some[0]]): some for some in rows.groups("source", among=among)}
    for comes in rows.groups("target", among=among):
        out = goes.get(int(carried.far[comes[0]]))
        if out is not None:
            yield from _through(rows, carried, comes, out)
    for some in rows.groups("source", least=2, among=carried.spoken):
        yield from _reversed(rows, carried, some)


class _Carried:
    """What flows carry, as arrays; `among` are those that can be parts of a relay."""

    def __init__(self, traffic: Traffic) -> None:
        rows = traffic.flow
        self.sent, self.received = rows.known("sent"), rows.known("received")
        self.near, self.far = rows.texts["source"].codes, rows.texts["target"].codes
        self.port, self.source_port = rows.known("port"), rows.known("source_port")
        tcp = rows.texts["proto"].among(("tcp",)) & ~np.isin(self.port, list(HOUSEKEEPING))
        enough = (self.sent + self.received >= LEAST) & (self.sent > 0) & (self.received > 0)
        self.among = tcp & enough
        self.spoken = tcp & (self.sent + self.received >= FAIR) & (self.sent > 0) & (self.received > 0)
        self.within = traffic.within
        self.lasts = rows.known("duration")
        self.time = rows.time

    def ends(self, places: Numbers) -> Numbers:
        """When connections ended."""
        found: Numbers = self.time[places] + (self.lasts[places] * SECOND).astype(np.int64)
        return found


def _through(rows: Rows, carried: _Carried, comes: Numbers, goes: Numbers) -> Iterator[Hit]:
    """Relays through one machine: by where they go, and on which port; of a port that leads to several places (SOCKS), all together."""
    pairs: dict[tuple[int, int], list[_Both]] = defaultdict(list)
    used: set[int] = set()
    for before, after in _matches(rows, carried, comes, goes):
        if before not in used and after not in used:
            used.update((before, after))
            pairs[int(carried.far[after]), int(carried.port[after])].append((before, after))
    by_port: dict[int, list[list[_Both]]] = defaultdict(list)
    for (target, port), some in pairs.items():
        of_kind = goes[(carried.far[goes] == target) & (carried.port[goes] == port)]
        if len(some) >= MATCHED * len(of_kind):  # else it is chance between two busy neighbors
            by_port[int(carried.port[some[0][0]])].append(some)
    for groups in by_port.values():
        together = [pair for some in groups for pair in some]
        for some in [together] if len(groups) >= SEVERAL else groups:
            yield from _hit(rows, carried, sorted(some))


def _matches(rows: Rows, carried: _Carried, comes: Numbers, goes: Numbers) -> Iterator[tuple[int, int]]:
    """Connections into and out of one machine that begin together and carry the same; the nearest in time first."""
    starts = rows.time[goes]
    lows = np.searchsorted(starts, rows.time[comes] - BEGINS // 20)
    highs = np.searchsorted(starts, rows.time[comes] + BEGINS, side="right")
    counts = np.minimum(highs - lows, COMPARED)
    for begin in range(0, len(comes), CHUNK):
        left, offset = _spread(begin, counts[begin : begin + CHUNK])
        before, after = comes[left], goes[lows[left] + offset]
        fits = alike(carried.sent[before], carried.sent[after])
        fits &= alike(carried.received[before], carried.received[after])
        fits &= (before != after) & ~_same(carried, before, after)
        # What goes back to who called is no relay, unless all is one machine.
        back = (carried.far[after] == carried.near[before]) & (carried.near[before] != carried.far[before])
        for place in np.flatnonzero(fits & ~back).tolist():
            yield int(before[place]), int(after[place])


def _reversed(rows: Rows, carried: _Carried, goes: Numbers) -> Iterator[Hit]:
    """Reverse tunnels of one machine: two connections that it opened itself and that end together, of which one brings what the other takes.

    What is connected first is the way out; the other leads to a machine inside. By where the way out goes.
    """
    less = np.minimum(carried.sent[goes], carried.received[goes])
    lopsided = ~alike(carried.sent[goes], carried.received[goes], TOLD, LOOSE)
    worth = goes[(less >= BOTH) & lopsided & (carried.lasts[goes] > 0)]
    worth = worth[np.argsort(carried.ends(worth), kind="stable")]
    inner = worth[carried.within[worth]]
    if len(worth) < 2 or not len(inner):
        return
    pairs: dict[tuple[int, int], list[_Both]] = defaultdict(list)
    used: set[int] = set()
    for out, into in _crossed(carried, worth, inner):
        if out not in used and into not in used:
            used.update((out, into))
            pairs[int(carried.far[out]), int(carried.port[out])].append((out, into))
    for some in pairs.values():
        sizes = [float(carried.sent[into] + carried.received[into]) for _, into in some]
        if len(some) >= SEVERAL or (len(some) > 1 and min(sizes) >= LARGE):
            yield _told(rows, carried, some, sizes, "relay-reverse")


def _crossed(carried: _Carried, outer: Numbers, inner: Numbers) -> Iterator[_Both]:
    """Connections of one machine that end together and carry the same the other way round; both in the order of their ends."""
    ends, last = carried.ends(inner), carried.ends(outer)
    lows = np.searchsorted(ends, last - BEGINS)
    counts = np.minimum(np.searchsorted(ends, last + BEGINS, side="right") - lows, COMPARED)
    for begin in range(0, len(outer), CHUNK):
        left, offset = _spread(begin, counts[begin : begin + CHUNK])
        out, into = outer[left], inner[lows[left] + offset]
        fits = alike(carried.sent[out], carried.received[into], TOLD, LOOSE)
        fits &= alike(carried.received[out], carried.sent[into], TOLD, LOOSE)
        fits &= (carried.far[out] != carried.far[into]) & (carried.time[out] <= carried.time[into])
        for place in np.flatnonzero(fits).tolist():
            yield int(out[place]), int(into[place])


def _spread(begin: int, counts: Numbers) -> tuple[Numbers, Numbers]:
    """For each of the rows from `begin` on so many lines as `counts` says: the number of the row, and that of the line in it."""
    left = np.repeat(np.arange(begin, begin + len(counts)), counts)
    return left, np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)


def _same(carried: _Carried, before: Numbers, after: Numbers) -> Numbers:
    """Whether both are one connection, told twice."""
    found: Numbers = (
        (carried.near[before] == carried.near[after])
        & (carried.far[before] == carried.far[after])
        & (carried.source_port[before] == carried.source_port[after])
        & (carried.port[before] == carried.port[after])
    )
    return found


def alike(one: Numbers, others: Numbers, added: float = ADDED, share: float = SHARE) -> Numbers:
    """Whether sizes are the same but for what a proxy adds."""
    found: Numbers = np.abs(others - one) <= added + share * np.maximum(one, others)
    return found


def _hit(rows: Rows, carried: _Carried, some: list[_Both]) -> Iterator[Hit]:
    sizes = [float(carried.sent[before] + carried.received[before]) for before, _ in some]
    large, fair = sum(size >= LARGE for size in sizes), sum(size >= FAIR for size in sizes)
    if not large and fair < SEVERAL:
        return
    rule = "relay" if large >= 2 or fair >= SEVERAL else "relay-once"
    if len({rows.texts["source"][before] for before, _ in some}) >= MANY:
        rule = "relay-service"
    yield _told(rows, carried, some, sizes, rule)


def _told(rows: Rows, carried: _Carried, some: list[_Both], sizes: list[float], rule: str) -> Hit:
    before, after = some[0]
    first, then = np.array(some).T
    back = rule == "relay-reverse"  # the machine opened both
    came = rows.texts["target" if back else "source"].distinct(first)
    said = {
        "from": ", ".join(sorted(came)[:10]),
        "through": rows.texts["source" if back else "target"][before],
        "port there": str(int(carried.port[before])),
        "to": ", ".join(rows.texts["target"].distinct(then)[:10]),
        "port": ", ".join(str(int(port)) for port in np.unique(carried.port[then])[:10]),
        "pairs": number(len(some)),
        "bytes passed on": number(sum(sizes)),
        "milliseconds between": number(float(rows.time[after] - rows.time[before]) / 1000),
    }
    places = np.array([place for pair in some for place in pair])
    return Hit(rule, rows, places, said, (said["through"], said["to"], said["port"]))
