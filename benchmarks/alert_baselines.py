"""What simpler methods make of the same alerts: rules that count on a host, and rarity with a gap of an hour."""

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


def rare(nats: float, gap: int) -> Callable[[Network], Groups]:
    """Rules that are at least so rare by hours, chained over the whole network where less than `gap` seconds lie between."""

    def method(network: Network) -> Groups:
        _, rule, time = _columns(network)
        hour = time // 3600
        active = np.bincount(np.unique(rule * 1_000_000_000 + hour) // 1_000_000_000)
        weight = -np.log(active[rule] / len(np.unique(hour)))
        chosen = np.flatnonzero(weight >= nats)
        groups = np.full(len(rule), -1)
        if chosen.size:
            groups[chosen] = np.cumsum(np.concatenate(([0], np.diff(time[chosen]) > gap)))
        return groups

    return method


METHODS: dict[str, Callable[[Network], Groups]] = {
    "3 rules on a host in 24 h": distinct_rules(3, 86400),
    "8 rules on a host in 24 h": distinct_rules(8, 86400),
    "12 rules on a host in 1 h": distinct_rules(12, 3600),
    "rarity 1.5 nats, gap 1 h": rare(1.5, 3600),
    "rarity 2 nats, gap 1 h": rare(2.0, 3600),
    "rarity 2.5 nats, gap 1 h": rare(2.5, 3600),
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
