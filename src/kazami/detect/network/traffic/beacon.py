"""Beacons: connections that keep a rhythm which chance does not.

Formulas and their sources are in `kazami.detect.network.beacon`: the p-value of `rhythm` (time rescaling, Brown et al. 2002),
and RITA's four scores for comparison. The p-value is multiplied by the number of pairs that were judged (Bonferroni), so that a
case with a million pairs has no more findings of chance than one with ten. How grave a rhythm is follows from who
else goes there: what one or two machines of many do is rare, what all do is a service.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from kazami.detect.network.beacon import rhythm, rita
from kazami.detect.network.beacon.rhythm import Rhythm
from kazami.detect.network.traffic.domain import registered
from kazami.detect.network.traffic.hit import Hit, ends, number
from kazami.detect.network.traffic.rows import HOUR, Numbers, Rows
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import HOUSEKEEPING, Traffic

ABOUT = "beacons"
NEEDS = ("flow", "http", "tls")

RULES = rules(
    "flow",
    {
        "beacon-bare": (
            "Beacon to an Address Without a Name",
            "high",
            "One machine calls an address on the internet by the clock, with the same size; nobody asked for a name of it.",
            "command-and-control t1071 t1571",
            "Software with addresses built in; name resolution that is not in the evidence",
        ),
        "beacon": (
            "Beacon to a Rare Destination",
            "medium",
            "One machine, or two, call a destination on the internet in a rhythm that chance does not keep.",
            "command-and-control t1071",
            "Updates and telemetry of software that only this machine has",
        ),
        "beacon-shared": (
            "Rhythm That Several Machines Keep",
            "low",
            "Connections to a destination on the internet keep a rhythm; several machines go there.",
            "command-and-control t1071",
            "Updates, telemetry, chat and mail",
        ),
        "beacon-inside": (
            "Beacon Between Machines Inside",
            "low",
            "A machine calls another one inside in a rhythm that chance does not keep.",
            "command-and-control t1090.001",
            "Monitoring, backup, databases",
        ),
        "beacon-inward": (
            "Rhythm of Connections From the Internet",
            "low",
            "An address on the internet connects to a machine inside by the clock, for a day or more, and is answered.",
            "command-and-control t1071",
            "Monitoring by a provider, branch offices, gateways that keep tunnels up",
        ),
    },
)

#: Connections that a rhythm must have, and the least score (p of 1e-5 after correction).
LEAST, SCORE = 6, 0.5

#: A destination of at most so many machines, and at most this share of all, is rare.
FEW, SHARE = 2, 0.02

#: What a beacon to a bare address must have beside, to be sure: beats, share of equal sizes.
BEATS, SIZES = 20, 0.5


#: Seconds of the least period: what is faster is a tool that loops.
PERIOD = 1.0

#: What comes from the internet keeps a rhythm by the thousand (scanners): only what goes on for a day is told, and was answered.
LONG, MANY = 86_400, 48

#: A pair whose rhythm is likelier than this is not looked at further.
_WORTH = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class _Beat:
    rows: Rows
    places: Numbers
    rhythm: Rhythm
    rita: rita.Score | None = None
    name: str = ""


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Rhythm between pairs of addresses on a port; and from an address to a name behind several addresses."""
    beats, tried = _by_address(traffic)
    for table in ("http", "tls"):
        named, more = _by_name(traffic[table])
        beats, tried = [*beats, *named], tried + more
    for beat in beats:
        sure = replace(beat.rhythm, p_value=min(1.0, beat.rhythm.p_value * tried))
        if sure.score >= SCORE and sure.period >= PERIOD and _ours(traffic, beat):
            yield Hit(_rule(traffic, beat), beat.rows, beat.places, _proof(traffic, beat, sure), _about(beat))


def _by_address(traffic: Traffic) -> tuple[list[_Beat], int]:
    """Pairs of addresses on a port whose rhythm is worth a look, and how many were judged."""
    rows = traffic.flow
    spoken = ~rows.texts["proto"].among(("icmp", "icmp6", "ipv6-icmp"))
    quiet = spoken & ~np.isin(rows.known("port"), list(HOUSEKEEPING)) & traffic.talks
    near, hours = _hours(rows)
    sizes = rows.known("sent_ip")
    first, last = (one // 1_000_000 for one in traffic.begun)
    found, tried = [], 0
    for places in rows.groups("source", "target", "port", least=LEAST, among=quiet):
        times = rows.time[places] / 1e6
        tried += 1
        one = rhythm.judge(times, sizes[places], hours[near[places[0]]])
        if one is not None and one.p_value < _WORTH:
            found.append(_Beat(rows, places, one, _rita(times, sizes[places], first, last)))
    return found, tried


def _ours(traffic: Traffic, beat: _Beat) -> bool:
    first = int(beat.places[0])
    if traffic.is_inside(beat.rows.texts["source"][first]):
        return True
    lasting = beat.rhythm.span >= LONG and beat.rhythm.beats >= MANY
    answered = bool(beat.name) or not traffic.failed[beat.places].all()
    inward = traffic.is_inside(beat.rows.texts["target"][first])  # else the source may well be ours
    return answered and (lasting or (not inward and _others(traffic, beat) <= FEW))


def _hours(rows: Rows) -> tuple[Numbers, Numbers]:
    """The number of each row's source, and by it how that source's traffic goes over the hours of a day."""
    codes = rows.texts["source"].present()
    number = np.zeros(int(codes.max(initial=0)) + 2, np.int32)
    number[codes] = np.arange(len(codes))
    near = number[rows.texts["source"].codes]
    cell = (rows.time // HOUR % 24).astype(np.int32)
    cell += near * 24
    counts = np.bincount(cell, minlength=24 * len(codes)).reshape(-1, 24).astype(np.float64)
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return near, (1 - rhythm.FLOOR) * counts * 24 / total + rhythm.FLOOR


def _rita(times: Numbers, sizes: Numbers, first: int, last: int) -> rita.Score | None:
    start, stop = rita.window(first, last)
    kept = rita.kept(times, start)
    return rita.score(times[kept], sizes[kept], start, stop)


def _by_name(rows: Rows) -> tuple[list[_Beat], int]:
    """Names behind several addresses, names that a proxy was asked for, requests that share a connection: the rhythm is not in the flows."""
    found, tried = [], 0
    far, names = rows.texts["target"].codes.astype(np.int64), rows.texts["name"].codes
    kinds = np.bincount(
        np.unique(np.stack((far, names)), axis=1)[0] + 1, minlength=int(far.max(initial=0)) + 2
    )
    for places in rows.groups("source", "name", least=LEAST):
        targets = far[places]
        one_connection = len(np.unique(rows.known("source_port")[places])) <= len(places) // 2
        if len(np.unique(targets)) > 1 or targets[0] < 0 or kinds[targets[0] + 1] > 1 or one_connection:
            tried += 1
            one = rhythm.judge(rows.time[places] / 1e6)
            if one is not None and one.p_value < _WORTH:
                found.append(_Beat(rows, places, one, name=rows.texts["name"][int(places[0])]))
    return found, tried


def _rule(traffic: Traffic, beat: _Beat) -> str:
    first = int(beat.places[0])
    target = beat.rows.texts["target"][first]
    if traffic.is_inside(target) and (not beat.name or not registered(beat.name)):
        return "beacon-inside" if traffic.is_inside(beat.rows.texts["source"][first]) else "beacon-inward"
    others = _others(traffic, beat)
    machines = traffic.machines
    if others > max(FEW, SHARE * machines):
        return "beacon-shared"
    sure = beat.rhythm.beats >= BEATS and beat.rhythm.sizes >= SIZES and others <= FEW
    sure = sure and not beat.name and not traffic.failed[beat.places].any()
    return "beacon-bare" if sure and traffic.is_bare(beat.rows, first) else "beacon"


def _others(traffic: Traffic, beat: _Beat) -> int:
    """How many machines go to the same destination, this one among them."""
    first = int(beat.places[0])
    if not beat.name:
        return int(traffic.visitors[beat.rows.texts["target"].codes[first]])
    return int(traffic.callers(beat.rows)[beat.rows.texts["name"].codes[first]])


def _proof(traffic: Traffic, beat: _Beat, sure: Rhythm) -> dict[str, str]:
    rows, places = beat.rows, beat.places
    said = {
        "connections": number(len(places)),
        "beats": number(sure.beats),
        "period in seconds": number(sure.period),
        "jitter": f"{sure.jitter:.0%}",
        "pauses": number(sure.pauses),
        "p-value": f"{sure.p_value:.1e}",
        "score": f"{sure.score:.3f}",
        "same size": f"{sure.sizes:.0%}",
        "sent bytes": number(float(rows.known("sent")[places].sum())) if "sent" in rows.numbers else "",
        "received bytes": number(float(rows.known("received")[places].sum()))
        if "sent" in rows.numbers
        else "",
        "machines that go there": number(_others(traffic, beat)),
        "name": beat.name,
    }
    if beat.rita is not None:
        one = beat.rita
        said["RITA score"] = (
            f"{one.total:.3f} (time {one.timestamp:.3f}, size {one.size:.3f}, histogram {one.histogram:.3f}, duration {one.duration:.3f})"
        )
    return said


def _about(beat: _Beat) -> tuple[str, ...]:
    first = int(beat.places[0])
    if beat.name:
        return beat.rows.texts["source"][first], beat.name
    return tuple(ends(beat.rows, first).values())
