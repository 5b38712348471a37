"""Movement by DCE/RPC: what one machine called on another, by interface and operation.

What the operations mean and where that is written down is in ``rpc.yml``. Judged pair by pair in bursts of five minutes, since a tool does
what belongs together at once. A domain controller is a machine that others ask for tickets, or whose directory they use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml

from kazami.detect.network.traffic.hit import Hit, ends
from kazami.detect.network.traffic.rows import HOUR, MINUTE, Numbers, Rows, bursts, window
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "movement by DCE/RPC"
NEEDS = ("dce_rpc",)

#: What one tool does at once lies within this time.
BURST = 5 * MINUTE

#: Machines that do the same to one target, of which it is a service; and targets of one machine within an hour that make a sweep: as many as
#: echo requests must reach to be one (`scan.PINGS`).
SHARED, MANY = 3, 25

#: Ports at which domain controllers serve: Kerberos, LDAP, the global catalog.
_SERVED = (88, 389, 636, 3268, 3269)


@cache
def meanings() -> dict[str, dict[str, Any]]:
    """The entries of ``rpc.yml`` by key."""
    text = files("kazami.detect.network.traffic").joinpath("rpc.yml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, dict[str, Any]] = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader, ours
    return loaded


RULES = rules(
    "dce_rpc",
    {key: tuple(one[name] for name in ("title", "level", "about", "attack", "harmless")) for key, one in meanings().items()},
)  # fmt: skip


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Every meaning, in every burst of every pair of machines."""
    rows = traffic["dce_rpc"]
    controllers = _controllers(traffic)
    asked = {key: one for key, one in meanings().items() if "any" in one}
    masks = {key: _masks(rows, one) for key, one in asked.items()}
    shared = {key: _shared(rows, masks[key]["any"]) for key, one in asked.items() if "shared" in one}
    for pair in rows.groups("source", "target"):
        target = int(rows.texts["target"].codes[pair[0]])
        for places in bursts(rows.time, pair, BURST):
            for key, one in asked.items():
                found = _found(rows, places, one, masks[key])
                if not len(found):
                    continue
                if one.get("unless") == "controller" and rows.texts["source"][int(found[0])] in controllers:
                    continue
                yield _hit(rows, found, one["shared"] if target in shared.get(key, ()) else key)
    yield from _sweeps(rows, [masks[key]["any"] for key, one in asked.items() if one.get("sweep")])


def _shared(rows: Rows, among: Numbers) -> frozenset[int]:
    """Targets (their codes) to which several machines do something."""
    firsts = [places[0] for places in rows.groups("source", "target", among=among)]
    targets, count = np.unique(rows.texts["target"].codes[firsts], return_counts=True)
    return frozenset(targets[count >= SHARED].tolist())


def _sweeps(rows: Rows, masks: list[Numbers]) -> Iterator[Hit]:
    """Machines that ask many others within an hour; of each other the first time counts."""
    among = np.logical_or.reduce(masks)
    for places in rows.groups("source", least=MANY, among=among):
        _, firsts = np.unique(rows.texts["target"].codes[places], return_index=True)
        found = window(rows.time, places[np.sort(firsts)], HOUR, MANY)
        if len(found):
            targets = rows.texts["target"].distinct(found)
            hit = _hit(rows, found, "rpc-sweep")
            yield replace(
                hit, matched={**hit.matched, "machines": f"{len(targets)}: {', '.join(targets[:20])}"}
            )


def _masks(rows: Rows, one: dict[str, Any]) -> dict[str, Numbers]:
    interface = rows.texts["interface"].among(one["interface"])
    return {
        name: interface & rows.texts["operation"].where(_among(tuple(one[name])))
        for name in ("any", "all", "none")
        if name in one
    }


def _among(patterns: tuple[str, ...]) -> Any:
    heads = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    whole = frozenset(pattern for pattern in patterns if not pattern.endswith("*"))
    return lambda operation: operation in whole or operation.startswith(heads or "\0")


def _found(rows: Rows, places: Numbers, one: dict[str, Any], masks: dict[str, Numbers]) -> Numbers:
    """The places of a burst that have a meaning; none where something that it needs is missing."""
    found = places[masks["any"][places]]
    if "least" in one:
        found = window(rows.time, found, MINUTE, int(one["least"]))
    if not len(found) or ("none" in one and masks["none"][places].any()):
        return places[:0]
    if "all" in one:
        more = places[masks["all"][places]]
        return np.sort(np.concatenate((found, more))) if len(more) else more
    return found


def _hit(rows: Rows, found: Numbers, key: str) -> Hit:
    first = int(found[0])
    said = {
        "interface": rows.texts["interface"][first],
        "operation": ", ".join(rows.texts["operation"].distinct(found)[:12]),
        "named pipe": rows.texts["pipe"][first],
    }
    where = ends(rows, first)
    about = (where.get("id.orig_h", ""), where.get("id.resp_h", ""), str(int(rows.time[first])))
    return Hit(key, rows, found, said, about)


def _controllers(traffic: Traffic) -> frozenset[str]:
    """Addresses that serve a domain: asked for tickets, or at the ports of a directory, by somebody else."""
    found = set(traffic["kerberos"].texts["target"].distinct(np.arange(len(traffic["kerberos"]))))
    flow = traffic.flow
    served = np.isin(flow.known("port"), _SERVED) & ~traffic.failed
    found.update(flow.texts["target"].distinct(np.flatnonzero(served)))
    return frozenset(found)
