"""What the judges say, and the findings that come of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from kazami.detect.touchpoint.act import Act
from kazami.model.finding import FINDING
from kazami.model.rule import RuleInfo

#: Events that a finding names.
MOST_EVENTS = 100

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000


@dataclass(frozen=True, slots=True)
class Hit:
    """A touchpoint. `tenant` is whose finding it is: a tenant's own, made of its own acts only, or the provider's."""

    rule: str  # J1 ...
    tenant: str
    acts: Sequence[Act]
    matched: Mapping[str, str] = field(default_factory=dict)


def findings(hits: Iterable[Hit], rules: Mapping[str, RuleInfo]) -> pa.Table:
    """Findings in the words of `FINDING`, by time; a hit that is said twice is one."""
    rows = {row["finding_uid"]: row for row in (_row(hit, rules[hit.rule]) for hit in hits)}
    ordered = sorted(rows.values(), key=lambda row: (row["time"], row["finding_uid"]))
    return pa.Table.from_pylist(ordered, FINDING)


def _row(hit: Hit, rule: RuleInfo) -> dict[str, Any]:
    acts = sorted(hit.acts)
    uids = list(dict.fromkeys(act.uid for act in acts if act.uid))
    said = "\x1f".join(
        [
            hit.tenant,
            rule.id,
            rule.version,
            *sorted(uids),
            *sorted(hit.matched.values()),
        ]
    )
    return {
        "finding_uid": hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        "rule_id": rule.id,
        "rule_version": rule.version,
        "time": acts[-1].time,
        "tenant": hit.tenant,
        "host": _one(act.host for act in acts),
        "user": _one(act.account for act in acts),
        "logon_id": None,
        "process_uid": None,
        "parent_uid": None,
        "table": acts[0].table,
        "event_uids": uids[:MOST_EVENTS],
        "evidence": acts[0].evidence,
        "record": acts[0].record,
        "matched": [(key, value) for key, value in hit.matched.items() if value],
    }


def _one(values: Iterable[str]) -> str | None:
    found = {value for value in values if value}
    return found.pop() if len(found) == 1 else None
