"""Signals of one address to a finding: two kinds at least before it is more than low."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from math import prod
from typing import Any

import pyarrow as pa

from kazami.detect.network.relay_host.signal import KINDS, Signal
from kazami.detect.network.traffic.rule import rules
from kazami.intel.networks import Networks
from kazami.model.finding import FINDING
from kazami.model.rule import RuleInfo

#: What one kind must say to be a finding, of level low; two kinds, for medium; and two with an administrator's session, for high.
LOW, MEDIUM, HIGH = 0.55, 0.45, 0.6

#: Events that a finding names.
MOST_EVENTS = 100

#: Kinds that any proxy shows that ends TCP, and no relay more than it.
_ON_THE_WAY = frozenset(("stack", "distance"))

_ATTACK = "command-and-control t1090.003 resource-development t1584.008"

RULES: dict[str, RuleInfo] = rules(
    "flow",
    {
        "relay-low": (
            "An Address of a Known Relay", "low",
            "A list names this address as a relay at this time, or it shows the certificate of such a network; nothing else says so.",
            _ATTACK, "An address that changed hands within days",
        ),
        "relay-medium": (
            "An Address That Looks Like a Small-Office Relay", "medium",
            "Two kinds of signals at least say that somebody else comes through this address: lists, a router's face, a stack or a distance that does not fit, a consumer's network.",
            _ATTACK, "A small office with its own router, whose people use a VPN service or a company's proxy",
        ),
        "relay-high": (
            "An Administrator's Session Through a Small-Office Relay", "high",
            "An administrator's account was used from an address of which two kinds of signals at least say that somebody else comes through it.",
            _ATTACK + " initial-access t1078", "An administrator at home behind a router whose page is open to the internet",
        ),
    },
)  # fmt: skip


def findings(signals: Iterable[Signal], owners: Networks | None = None) -> pa.Table:
    """Findings (`FINDING`) by time, one an address and tenant."""
    found: dict[tuple[str, str], list[Signal]] = defaultdict(list)
    for signal in signals:
        found[signal.tenant, signal.address].append(signal)
    rows = [
        row
        for (_, address), some in found.items()
        if not _ends_by_trade(address, some, owners) and (row := _finding(address, some, owners)) is not None
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: (row["time"], row["finding_uid"])), FINDING)


def _ends_by_trade(address: str, signals: list[Signal], owners: Networks | None) -> bool:
    """Whether all that is odd is that TCP ends on the way, in a network that rents out machines: VPN services and filters of companies do so for everybody."""
    owner = owners.at(address) if owners else None
    return {one.kind for one in signals} <= _ON_THE_WAY and owner is not None and owner.kind == "hosting"


def judged(signals: Iterable[Signal]) -> tuple[str, float]:
    """The key of the rule that the signals of one address make true ("" for none), and their score from 0 to 1: one minus the product of what is left of doubt."""
    best: dict[str, float] = {}
    admin = False
    for signal in signals:
        best[signal.kind] = max(best.get(signal.kind, 0.0), signal.weight)
        admin = admin or bool(signal.admin)
    score = 1 - prod(1 - weight for weight in best.values())
    if len(best) < 2:
        return ("relay-low" if score >= LOW else ""), score
    if admin and score >= HIGH:
        return "relay-high", score
    return ("relay-medium" if score >= MEDIUM else ""), score


def _finding(address: str, signals: list[Signal], owners: Networks | None) -> dict[str, Any] | None:
    key, score = judged(signals)
    if not key:
        return None
    rule, first = RULES[key], min(signals, key=lambda one: (one.time, one.uid))
    by_kind = {
        kind: max((one for one in signals if one.kind == kind), key=lambda one: one.weight, default=None)
        for kind in KINDS
    }
    admins = sorted({one.admin.lstrip("\\") for one in signals if one.admin})
    matched = {
        "c-ip": address,  # the word by which incidents and touchpoints (J13) know who came
        **{kind: best.words for kind, best in by_kind.items() if best is not None},
        "account": ", ".join(admins[:10]),
        "owner": str(owners.at(address) or "") if owners else "",
        "score": f"{score:.2f}",
    }
    said = "\x1f".join(
        (first.tenant, rule.id, rule.version, address, *(kind for kind in KINDS if by_kind[kind]))
    )
    return {
        "finding_uid": hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        "rule_id": rule.id, "rule_version": rule.version, "time": first.time, "tenant": first.tenant,
        "host": next((one.host for one in signals if one.admin and one.host), first.host) or None,
        "user": admins[0] if len(admins) == 1 else None, "logon_id": None, "process_uid": None, "parent_uid": None,
        "table": first.table, "event_uids": list(dict.fromkeys(one.uid for one in sorted(signals, key=lambda one: one.time)))[:MOST_EVENTS],
        "evidence": first.evidence, "record": first.record,
        "matched": [(name, value[:8192]) for name, value in matched.items() if value],
    }  # fmt: skip
