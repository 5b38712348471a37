"""Incidents from the alerts of others, against their truth, beside simpler methods: ``python -m benchmarks.incidents [--data DIR]``.

DIR is the folder of all data, or one of the shape of ``ait-ads``. For each network: how many incidents a day; in how many the
intrusion's alerts lie; which of its steps are in the one that has most of them; how much of that one is the intrusion; whether
the slow exfiltration is an incident of its own, wherever it made more than ten alerts. Then the time and memory for 10^4, 10^5, 10^6 findings.
Then the same of networks that were shaken: moved in time, renamed, thinned, with noise of others.
No constant of the program depends on a network; they were set on fox, harrison, russellmitchell and santos.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import alert_baselines, finding_load
from benchmarks.alert_set import SLOW, Network, networks
from benchmarks.figures import Figure, at_least, at_most, publish, told
from benchmarks.shaken import shaken
from kazami.correlate.run import correlate

#: Alerts of the slow exfiltration from which on it must be seen.
SEEN = 10


@dataclass(slots=True)
class Judged:
    """How the incidents of one network stand against its truth."""

    network: str
    days: int
    incidents: int
    steps: set[str]
    lost: set[str]
    precision: float  # of the intrusion's incident, by alerts
    bursts: float  # the same by bursts: alerts of one rule on one host within five minutes count once
    phased: float  # the same, where bursts that were raised in a phase of the attack count as its doing
    fragments: int
    first: bool  # whether no incident scores higher
    slow: bool | None  # None where it made too few alerts
    seconds: float = 0.0


def judged(network: Network, groups: np.ndarray, scores: dict[int, float] | None = None) -> Judged:
    """Hold the incident of each alert (-1 for none) against the truth."""
    attack = alert_baselines.attack(network)
    inside = groups >= 0
    codes, counts = np.unique(groups[attack & inside], return_counts=True)
    best = int(codes[np.argmax(counts)]) if codes.size else -1
    member = groups == best if codes.size else np.zeros(len(groups), bool)
    steps = set(np.unique(network.labels[attack]).tolist())
    there = set(np.unique(network.labels[attack & member]).tolist())
    slow = network.labels == SLOW
    return Judged(
        network.name,
        network.days,
        len(np.unique(groups[inside])),
        steps,
        steps - there,
        float(attack[member].mean()) if member.any() else 0.0,
        _by_burst(network, attack, member),
        _by_burst(network, attack | _in_phase(network), member),
        len(codes),
        scores is None or scores.get(best, 0.0) == max(scores.values(), default=1.0),
        _own(groups, slow, best) if slow.sum() > SEEN else None,
    )


def _own(groups: np.ndarray, slow: np.ndarray, intrusion: int) -> bool:
    """Whether the slow exfiltration is most of an incident, that has most of it, and is not the intrusion's."""
    codes, counts = np.unique(groups[slow & (groups >= 0)], return_counts=True)
    if not codes.size:
        return False
    best = int(codes[np.argmax(counts)])
    pure, whole = slow[groups == best].mean() >= 0.9, counts.max() >= 0.9 * slow.sum()
    return bool(best != intrusion and pure and whole)


def _in_phase(network: Network) -> np.ndarray:
    """Which alerts were raised while a step of the intrusion went on, the slow exfiltration left out.

    The labels of events name those whose log line an attacker's command wrote. What a scan of ten hosts raises on nine of them has none.
    """
    if network.phases is None:
        return np.zeros(len(network.labels), bool)
    return ~np.isin(network.phases, ("false_positive", "-", "", SLOW))


def _by_burst(network: Network, attack: np.ndarray, member: np.ndarray) -> float:
    rows = np.flatnonzero(member)
    if not rows.size:
        return 0.0
    table = network.findings.take(pa.array(rows))
    host, rule = (
        table.column(name).combine_chunks().dictionary_encode().indices.to_numpy()
        for name in ("host", "rule_id")
    )
    window = table.column("time").cast("int64").to_numpy() // 300_000_000
    _, number = np.unique(np.stack([host, rule, window]), axis=1, return_inverse=True)
    true = np.zeros(int(number.max()) + 1, bool)
    true[number.reshape(-1)[attack[rows]]] = True
    return float(true.mean())


def ours(network: Network) -> Judged:
    """What Kazami makes of a network."""
    begun = time.process_time()  # of the processor: correlation is one thread, and others may use the machine
    found = correlate(network.findings, network.rules, datetime.now(UTC))
    seconds = time.process_time() - begun
    members = pa.concat_tables(found.members)
    uids = {one.incident_uid: number for number, one in enumerate(found.incidents)}
    place = pc.index_in(
        network.findings.column("finding_uid"), value_set=members.column("finding_uid").combine_chunks()
    )
    codes = np.array([uids[uid] for uid in members.column("incident_uid").to_pylist()] + [-1])
    groups = codes[place.fill_null(-1).to_numpy()]
    made = judged(network, groups, {number: one.score for number, one in enumerate(found.incidents)})
    made.seconds = seconds
    return made


def line(name: str, results: Iterable[Judged]) -> str:
    """One row of the table: a method over all networks."""
    all_of = list(results)
    pairs, lost = (sum(len(getattr(one, part)) for one in all_of) for part in ("steps", "lost"))
    slow = [one.slow for one in all_of if one.slow is not None]
    return (
        f"{name:<28} {sum(one.incidents for one in all_of) / max(1, sum(one.days for one in all_of)):>8.2f}"
        f" {pairs - lost:>5}/{pairs:<4} {min(one.precision for one in all_of):>9.3f}"
        f" {np.mean([one.bursts for one in all_of]):>9.3f} {np.mean([one.phased for one in all_of]):>9.3f} {max(one.fragments for one in all_of):>6}"
        f" {sum(one.first for one in all_of):>4}/{len(all_of)}"
        f" {sum(slow):>6}/{len(slow)}"
    )


def alerts(folder: Path) -> list[Figure]:
    """The table and the figures of an alert set."""
    results: list[Judged] = []
    baselines: dict[str, list[Judged]] = {name: [] for name in alert_baselines.METHODS}
    for network in networks(folder):
        results.append(ours(network))
        for name, (method, ranking) in alert_baselines.METHODS.items():
            groups = method(network)
            baselines[name].append(judged(network, groups, ranking(network, groups)))
    if not results:
        print(f"{folder}: no networks here, nothing measured")
        return []
    print(
        f"{'':<28} {'inc/day':>8} {'steps':>9} {'precision':>9} {'by burst':>9} {'by phase':>9} {'parts':>6} {'first':>6} {'slow':>8}"
    )
    for name, made in baselines.items():
        print(line(name, made))
    print(line("Kazami", results))
    for one in results:
        print(f"  {line(one.network, [one])}  {one.seconds:.1f} s")
        for step in sorted(one.lost):
            print(f"    lost: {step}")
    return _figures(results)


def stability(folder: Path) -> list[Figure]:
    """The same, of networks that were shaken (`benchmarks.shaken`): the worst of all."""
    everything = list(networks(folder))
    if not everything:
        return []
    results: dict[str, list[Judged]] = {}
    for how, network in shaken(everything):
        results.setdefault(how, []).append(ours(network))
    for how, made in results.items():
        print(line(how, made))
        for one in made:
            if one.lost or one.precision < 0.9 or one.fragments > 1 or one.slow is False:
                print(f"  {line(one.network, [one])}  lost: {', '.join(sorted(one.lost)) or 'nothing'}")
    whole = [one for made in results.values() for one in made]
    steps, lost = (sum(len(getattr(one, part)) for one in whole) for part in ("steps", "lost"))
    slow = [one.slow for one in whole if one.slow is not None]
    return [
        at_most(
            "shaken: incidents a tenant and day, the worst way",
            max(sum(o.incidents for o in made) / sum(o.days for o in made) for made in results.values()),
            2,
        ),
        told("shaken: steps inside, percent", 100 * (1 - lost / max(1, steps))),
        at_least("shaken: member precision, the worst network", min(one.precision for one in whole), 0.9),
        at_most("shaken: fragments, the worst network", max(one.fragments for one in whole), 1),
        at_least(
            "shaken: slow exfiltration on its own, percent", 100 * sum(slow) / len(slow) if slow else 100, 100
        ),
    ]


def _figures(results: list[Judged]) -> list[Figure]:
    pairs = sum(len(one.steps) for one in results)
    slow = [one.slow for one in results if one.slow is not None]
    return [
        at_most(
            "alerts: incidents a tenant and day",
            sum(o.incidents for o in results) / sum(o.days for o in results),
            2,
        ),
        at_least(
            "alerts: steps inside, percent",
            100 * (1 - sum(len(o.lost) for o in results) / max(1, pairs)),
            100,
        ),
        at_least("alerts: member precision, the worst network", min(one.precision for one in results), 0.9),
        told("alerts: member precision by burst, mean", float(np.mean([one.bursts for one in results]))),
        told(
            "alerts: member precision by burst and phase, mean",
            float(np.mean([one.phased for one in results])),
        ),
        at_most("alerts: fragments, the worst network", max(one.fragments for one in results), 1),
        told("alerts: intrusion ranked first, percent", 100 * float(np.mean([one.first for one in results]))),
        at_least(
            "alerts: slow exfiltration on its own, percent", 100 * sum(slow) / len(slow) if slow else 100, 100
        ),
        at_most("alerts: processor seconds for all", sum(one.seconds for one in results), 10),
    ]


def main() -> int:
    """Measure what the data allow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", choices=("alerts", "shaken", "scale"))
    chosen = parser.parse_args()
    figures: list[Figure] = []
    inside = chosen.data / "ait-ads"
    folder = inside if inside.is_dir() else chosen.data
    if chosen.only in (None, "alerts"):
        figures += alerts(folder)
    if chosen.only in (None, "shaken"):
        figures += stability(folder)
    if chosen.only in (None, "scale"):
        figures += finding_load.figures()
    return publish(figures)


if __name__ == "__main__":
    raise SystemExit(main())
