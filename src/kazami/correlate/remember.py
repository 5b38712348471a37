"""What incidents were seen on, long ago: a step months later joins by it.

An account, an address and a domain tie within a day (`link`), because later they may be anybody's. Beyond that they tie where they hardly
appear outside of incidents, and both ends say something. Addresses inside networks never do: they are given out anew.

The skeleton of an incident outlives its findings. What people hold, but has no findings any more, is found again by it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kazami.correlate import link
from kazami.correlate.entity import Ints, Pairs
from kazami.correlate.keep import Known
from kazami.correlate.link import Ties
from kazami.correlate.tie import Tied, labels
from kazami.model.address import is_inside

#: Kinds that tie beyond their day, and the share of their strands that have to be in incidents.
LASTING, MOSTLY = ("account", "address", "domain"), 0.5


def joined(scene: Tied, label: Ints, cap: int) -> Tied:
    """`scene` with ties that outlast a day; `label` is the incident of each strand, -1 for none, `cap` the hosts of the tenant."""
    made = [_lasting(pairs, label) for pairs in scene.pairs if pairs.kind in LASTING]
    ties = [link.ties("skeleton", one, scene.found, scene.says, cap) for one in made]
    ties = [one for one in (_new(one, label) for one in ties) if one.source.size]
    if not ties:
        return scene
    everything = [*scene.ties, *ties]
    return replace(scene, ties=everything, label=labels(scene.found.host, everything))


def _new(ties: Ties, label: Ints) -> Ties:
    """Those that join what was not together before."""
    chosen = (label[ties.source] < 0) | (label[ties.source] != label[ties.target])
    return replace(
        ties,
        source=ties.source[chosen],
        target=ties.target[chosen],
        code=ties.code[chosen],
        weight=ties.weight[chosen],
    )


def _lasting(pairs: Pairs, label: Ints) -> Pairs:
    """The entities that are mostly of incidents, and lasting."""
    size = len(pairs.values)
    inside = np.bincount(pairs.codes[label[pairs.rows] >= 0], minlength=size)
    mostly = inside >= MOSTLY * np.bincount(pairs.codes, minlength=size)
    kept = np.array([_lasts(pairs.kind, value) for value in pairs.values], bool) & mostly & (inside > 0)
    chosen = kept[pairs.codes] if size else np.empty(0, bool)
    return Pairs("skeleton", pairs.rows[chosen], pairs.codes[chosen], pairs.values)


def _lasts(kind: str, value: str) -> bool:
    return kind != "address" or not is_inside(value)


def returned(scene: Tied, label: Ints, known: Known, gone: list[str]) -> tuple[Ints, dict[int, str]]:
    """`label` with what comes back to incidents without findings, and which label is whose.

    `gone` are the ids of such incidents, the oldest first: of several that an entity leads to, the first is taken.
    """
    of_strand = _led(scene, known.skeleton, gone) if gone else np.full(len(label), -1)
    of_strand[(scene.channel >= 0) | (scene.weight < link.LIMITS["skeleton"].rare)] = -1
    led = np.flatnonzero(of_strand >= 0)
    label = label.copy()
    whose: dict[int, str] = {}
    for number, uid in enumerate(gone):
        strands = led[of_strand[led] == number]
        if not strands.size:
            continue
        parts = np.isin(scene.label, scene.label[strands]) & (scene.channel < 0)
        parts |= np.isin(label, label[strands][label[strands] >= 0])
        first = int(np.flatnonzero(parts)[0])
        label[parts] = first
        whose[first] = uid
    return label, whose


def _led(scene: Tied, skeleton: pa.Table, gone: list[str]) -> Ints:
    """For each strand the incident of `gone` that one of its entities leads to, as a place in it, -1 for none."""
    found = np.full(len(scene.found), -1, np.int64)
    wanted = skeleton.filter(pc.is_in(skeleton.column("incident_uid"), pa.array(gone, pa.string())))
    place = {uid: number for number, uid in enumerate(gone)}
    led: dict[tuple[str, str], int] = {}
    for row in wanted.select(["kind", "entity", "incident_uid"]).to_pylist():
        if _lasts(row["kind"], row["entity"]):
            key, number = (row["kind"], row["entity"]), place[row["incident_uid"]]
            led[key] = min(number, led.get(key, number))
    for pairs in scene.pairs:
        codes = np.array([led.get((pairs.kind, value), -1) for value in pairs.values], np.int64)
        if not (codes >= 0).any():
            continue
        leads = codes[pairs.codes]
        found[pairs.rows[leads >= 0]] = leads[leads >= 0]
    return found
