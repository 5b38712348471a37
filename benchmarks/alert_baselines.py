"""What simpler methods make of the same alerts: rules that count on a host, points that add up, and rarity with a gap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.alert_set import NONE, SLOW, Network

Groups = np.ndarray  # the incident of each alert, -1 for none


def distinct_rules(least: int, seconds: int) -> Callable[[Network], Groups]:
    """At least `least` different rules on a host within a fixed window of `seconds`: common in products."""

    def method(network: Network) -> Groups:
        host, rule, time = _columns(network)
        window = host * 1_000_000 + time // seconds
        _, number = np.unique(window, return_inverse=True)
        pairs = np.unique(number * 100_000 + rule) // 100_000
        counts = np.bincount(pairs, minlength=int(number.max()) + 1)
        return np.where(counts[number] >= least, number, -1)

    return method


def points(least: int, seconds: int, each: int = 10) -> Callable[[Network], Groups]:
    """Every alert adds `each` points to its host; `least` points within a fixed window of `seconds` make an incident."""

    def method(network: Network) -> Groups:
        host, _, time = _columns(network)
        _, number = np.unique(host * 1_000_000 + time // seconds, return_inverse=True)
        return np.where(each * np.bincount(number)[number] >= least, number, -1)

    return method


def by_rules(network: Network, groups: Groups) -> dict[int, float]:
    """How incidents are ranked where rules count: by how many different ones were true."""
    rule = _columns(network)[1]
    pairs = np.unique(groups[groups >= 0] * 100_000 + rule[groups >= 0]) // 100_000
    return dict(zip(*(one.tolist() for one in np.unique(pairs, return_counts=True)), strict=True))


def by_points(network: Network, groups: Groups) -> dict[int, float]:
    """How incidents are ranked where points add up."""
    return dict(
        zip(*(one.tolist() for one in np.unique(groups[groups >= 0], return_counts=True)), strict=True)
    )


def rare(nats: float, gap: int, host_by_host: bool = False) -> Callable[[Network], Groups]:
    """Rules that are at least so rare by hours, chained over the network, or each host, where at most `gap` seconds lie between."""

    def method(network: Network) -> Groups:
        host, rule, time = _columns(network)
        hour = time // 3600
        active = np.bincount(np.unique(rule * 1_000_000_000 + hour) // 1_000_000_000)
        weight = -np.log(active[rule] / len(np.unique(hour)))
        chosen = np.flatnonzero(weight >= nats)
        groups = np.full(len(rule), -1)
        if chosen.size:
            place = host[chosen] if host_by_host else np.zeros(len(chosen), np.int64)
            chosen = chosen[np.lexsort((time[chosen], place))]
            place = host[chosen] if host_by_host else np.zeros(len(chosen), np.int64)
            apart = (np.diff(time[chosen]) > gap) | (np.diff(place) != 0)
            groups[chosen] = np.cumsum(np.concatenate(([0], apart)))
        return groups

    return method


Method = Callable[[Network], Groups]
Ranking = Callable[[Network, Groups], dict[int, float]]

METHODS: dict[str, tuple[Method, Ranking]] = {
    "3 rules on a host in 24 h": (distinct_rules(3, 86400), by_rules),
    "8 rules on a host in 24 h": (distinct_rules(8, 86400), by_rules),
    "12 rules on a host in 1 h": (distinct_rules(12, 3600), by_rules),
    "300 points on a host in 24 h": (points(300, 86400), by_points),
    "rarity 1.5, host, gap 15 min": (rare(1.5, 900, host_by_host=True), by_rules),
    "rarity 1.5 nats, gap 1 h": (rare(1.5, 3600), by_rules),
    "rarity 2 nats, gap 1 h": (rare(2.0, 3600), by_rules),
    "rarity 2.5 nats, gap 1 h": (rare(2.5, 3600), by_rules),
}


def _columns(network: Network) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    coded = [
        network.findings.column(name).combine_chunks().dictionary_encode() for name in ("host", "rule_id")
    ]
    host, rule = (one.indices.fill_null(-1).to_numpy().astype(np.int64) for one in coded)
    return host, rule, network.findings.column("time").cast("int64").to_numpy() // 1_000_000


def attack(network: Network) -> np.ndarray:
    """Which alerts are of the intrusion."""
    return (network.labels != NONE) & (network.labels != SLOW)
