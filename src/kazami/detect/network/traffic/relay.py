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

#: How far the beginnings may lie apart; bytes of each direction at least; what a proxy may add; large; several.
BEGINS, LEAST, ADDED, SHARE, LARGE, SEVERAL, MANY = 2 * SECOND, 400, 120, 0.01, 20_000, 3, 4
#: Connections out of one machine that are compared with one into it.
_COMPARED = 64


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Machine by machine that others call, and that calls others."""
    rows = traffic.flow
    sent, received = rows.known("sent"), rows.known("received")
    tcp = rows.texts["proto"].among(("tcp",)) & ~np.isin(rows.known("port"), list(HOUSEKEEPING))
    carries = tcp & (sent + received >= LEAST) & (sent > 0) & (received > 0)
    near, far = rows.texts["source"].codes, rows.texts["target"].codes
    both = np.intersect1d(near[carries], far[carries])
    carries &= np.isin(near, both) | np.isin(far, both)
    pairs: dict[tuple[int, int, int], list[tuple[int, int]]] = defaultdict(list)
    outs = {int(near[some[0]]): some for some in rows.groups("source", among=carries)}
    for places in rows.groups("target", among=carries):
        for before, after in _matches(
            rows, places, outs.get(int(far[places[0]]), places[:0]), sent, received
        ):
            pairs[int(far[before]), int(far[after]), int(rows.known("port")[after])].append((before, after))
    for some in pairs.values():
        yield from _hit(traffic, rows, some, sent, received)


def _matches(
    rows: Rows, comes: Numbers, goes: Numbers, sent: Numbers, received: Numbers
) -> Iterator[tuple[int, int]]:
    """Pairs of connections into and out of one machine that match; each is in one pair only."""
    starts = rows.time[goes]
    lows = np.searchsorted(starts, rows.time[comes] - BEGINS // 20)
    highs = np.searchsorted(starts, rows.time[comes] + BEGINS, side="right")
    used: set[int] = set()
    near, far = rows.texts["source"].codes, rows.texts["target"].codes
    for before, low, high in zip(comes.tolist(), lows.tolist(), highs.tolist(), strict=True):
        some = goes[low : min(high, low + _COMPARED)]
        some = some[
            (some != before) & (far[some] != near[before]) | (near[some] == near[before]) & (some != before)
        ]
        fits = some[alike(sent[before], sent[some]) & alike(received[before], received[some])]
        for after in fits.tolist():
            if after not in used and not _same(rows, before, after):
                used.add(after)
                yield before, after
                break


def _same(rows: Rows, before: int, after: int) -> bool:
    """Whether both are one connection, told twice."""
    names = ("source", "target")
    ports = ("source_port", "port")
    return all(rows.texts[n].codes[before] == rows.texts[n].codes[after] for n in names) and all(
        rows.known(n)[before] == rows.known(n)[after] for n in ports
    )


def alike(one: Numbers, others: Numbers) -> Numbers:
    """Whether sizes are the same but for what a proxy adds."""
    found: Numbers = np.abs(others - one) <= ADDED + SHARE * np.maximum(one, others)
    return found


def _hit(
    traffic: Traffic, rows: Rows, some: list[tuple[int, int]], sent: Numbers, received: Numbers
) -> Iterator[Hit]:
    sizes = np.array([sent[before] + received[before] for before, _ in some])
    large = int((sizes >= LARGE).sum())
    if not large and len(some) < SEVERAL:
        return
    comers = {rows.texts["source"][before] for before, _ in some}
    before, after = some[0]
    rule = "relay" if large >= 2 or len(some) >= SEVERAL else "relay-once"
    if len(comers) >= MANY:
        rule = "relay-service"
    said = {
        "from": ", ".join(sorted(comers)[:10]),
        "through": rows.texts["target"][before],
        "port there": number(float(rows.known("port")[before])).replace(",", ""),
        "to": rows.texts["target"][after],
        "port": number(float(rows.known("port")[after])).replace(",", ""),
        "pairs": number(len(some)),
        "bytes passed on": number(float(sizes.sum())),
        "milliseconds between": number(float(rows.time[after] - rows.time[before]) / 1000),
    }
    places = np.array([place for pair in some for place in pair])
    yield Hit(rule, rows, places, said, (said["through"], said["to"], said["port"]))
