"""Scans: one machine tries many ports of another, one port of many, or whether many are there at all.

Counted are *different* ports and targets, never tries, and only where most were refused or not answered: what works is
no scan. After Jung et al., "Fast Portscan Detection Using Sequential Hypothesis Testing" (IEEE S&P 2004): who fails with most of the
targets that it tries first is a scanner. A slow scan is the same over any number of days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import DAY, HOUR, Numbers, Rows
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import HOUSEKEEPING, Traffic

ABOUT = "scans"
NEEDS = ("flow",)

RULES = rules(
    "flow",
    {
        "scan-ports": (
            "Scan of Ports",
            "medium",
            "A machine inside tried many ports of another one, most of which did not answer.",
            "discovery t1046",
            "Vulnerability scanners, monitoring",
        ),
        "scan-hosts": (
            "Scan of Many Machines",
            "medium",
            "A machine inside tried many others, on one port or on several, most of which did not answer.",
            "discovery t1046 t1018",
            "Vulnerability scanners, monitoring, file sharing between peers",
        ),
        "scan-ping": (
            "Sweep by Echo Requests",
            "low",
            "A machine inside asked many others whether they are there.",
            "discovery t1018",
            "Monitoring",
        ),
        "scan-slow": (
            "Slow Scan",
            "medium",
            "A machine inside tried many ports or machines over more than a day, a few at a time.",
            "discovery t1046",
            "Vulnerability scanners, old addresses in a configuration",
        ),
        "scan-outside": (
            "Scan From the Internet",
            "low",
            "A machine on the internet tried many ports or machines here.",
            "reconnaissance t1595.001",
            "The usual noise of the internet",
        ),
    },
)

#: Different ports or machines that make a scan, of those tried the share that must fail, and the same for echo requests.
PORTS, HOSTS, FAIL, PINGS = 30, 30, 0.6, 25

#: Different machines inside on whatever ports: twice as many, as a service that moved away leaves many dead addresses behind.
SPREAD = 60

#: Scans of one machine that are told one by one.
APART = 3


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Ports of one machine, machines on one port, echo requests."""
    rows = traffic.flow
    spoken = rows.texts["proto"].among(("tcp", "udp"))
    quiet = spoken & ~np.isin(rows.known("port"), list(HOUSEKEEPING)) & traffic.talks
    yield from _merged(
        hit
        for places in rows.groups("source", "target", least=PORTS, among=spoken & traffic.talks)
        for hit in _scan(traffic, rows, places, "port", PORTS)
    )
    told = set()
    for hit in _merged(
        hit
        for places in rows.groups("source", "port", least=HOSTS, among=quiet)
        for hit in _scan(traffic, rows, places, "target", HOSTS)
    ):
        told.add(hit.about[0])
        yield hit
    for places in rows.groups("source", least=SPREAD, among=quiet & traffic.within):
        if rows.texts["source"][int(places[0])] not in told:  # else it is this one again
            yield from _scan(traffic, rows, places, "target", SPREAD)
    echo = rows.texts["proto"].among(("icmp", "icmp6", "ipv6-icmp")) & np.isin(
        rows.known("source_port"), (0, 8, 128)
    )
    for places in rows.groups("source", least=PINGS, among=echo & traffic.talks):
        targets = np.unique(rows.texts["target"].codes[places])
        if len(targets) >= PINGS and traffic.is_inside(rows.texts["source"][int(places[0])]):
            source = rows.texts["source"][int(places[0])]
            yield Hit("scan-ping", rows, places, {"machines": number(len(targets))}, (source,))


def _merged(hits: Iterable[Hit]) -> Iterator[Hit]:
    """One hit for a machine that scans more than `APART` times the same way: a hundred lines about one scanner say no more than one."""
    by_scanner: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        by_scanner.setdefault((hit.rule, hit.about[0]), []).append(hit)
    for (rule, source), some in by_scanner.items():
        if len(some) <= APART:
            yield from some
            continue
        kind = some[0].about[1]
        others = list(dict.fromkeys(hit.about[2] for hit in some))
        said = {
            "scans": number(len(some)),
            "machines" if kind == "port" else "ports": ", ".join(others[:20]),
            "answered": "; ".join(
                f"{hit.about[2]}: {hit.matched['answered']}" for hit in some[:20] if hit.matched["answered"]
            ),
        }
        places = np.sort(np.concatenate([hit.places for hit in some]))
        yield Hit(rule, some[0].rows, places, said, (source, kind, "many"))


def _scan(traffic: Traffic, rows: Rows, places: Numbers, what: str, least: int) -> Iterator[Hit]:
    """A scan if enough different ones of `what` (``port`` or ``target``) were tried, and most of them failed."""
    column = rows.known("port") if what == "port" else rows.texts["target"].codes
    kinds, number_of = np.unique(column[places], return_inverse=True)
    if len(kinds) < least:
        return
    answered = np.zeros(len(kinds), bool)
    answered[number_of[~traffic.failed[places]]] = True
    failed = 1 - float(answered.mean())
    if failed < FAIL:
        return
    first = int(places[0])
    inside = traffic.is_inside(rows.texts["source"][first])
    said = {
        ("ports" if what == "port" else "machines"): number(len(kinds)),
        "not answered": f"{failed:.0%}",
        "answered": ", ".join(_names(rows, what, kinds[answered])),
        "fastest": f"{_fastest(rows, places)} in an hour",
    }
    ports = np.unique(rows.known("port")[places])
    other = (
        rows.texts["target"][first]
        if what == "port"
        else str(int(ports[0]))
        if len(ports) == 1
        else "several"
    )
    slow = rows.time[places[-1]] - rows.time[first] > DAY and _fastest(rows, places) < least
    rule = (
        ("scan-slow" if slow else f"scan-{what}s".replace("targets", "hosts")) if inside else "scan-outside"
    )
    yield Hit(rule, rows, places, said, (rows.texts["source"][first], what, other))


def _fastest(rows: Rows, places: Numbers) -> int:
    """The most tries within an hour."""
    when = rows.time[places]
    return int((np.arange(len(when)) - np.searchsorted(when, when - HOUR) + 1).max())


def _names(rows: Rows, what: str, kinds: Numbers) -> list[str]:
    if what == "port":
        return [str(int(port)) for port in kinds[:20]]
    return [rows.texts["target"].values[code] for code in kinds[:20].tolist()]
