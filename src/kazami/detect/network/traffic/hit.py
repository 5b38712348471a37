"""What a detector found in rows of a table, and the findings that come of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from kazami.detect.network.traffic.rows import Numbers, Rows
from kazami.detect.network.traffic.table import hexadecimal
from kazami.model.finding import FINDING
from kazami.model.rule import RuleInfo

#: Events that a finding names, and findings of one rule in one tenant: a detector that says more says nothing.
MOST_EVENTS, MOST_FINDINGS = 100, 2000

#: What flows are called by in findings: Zeek's words.
_WORDS = {"source": "id.orig_h", "target": "id.resp_h", "port": "id.resp_p"}


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """Rows of one table that show what `rule` (a key) says.

    `matched` is the proof. `about` tells this hit from others of the same rule, whatever evidence is added later; the
    ends of the first row where it is not given. `host` is whose finding it is, by default the host of the first row.
    """

    rule: str
    rows: Rows
    places: Numbers
    matched: Mapping[str, str] = field(default_factory=dict)
    about: tuple[str, ...] = ()
    host: str = ""


def ends(rows: Rows, place: int) -> dict[str, str]:
    """Who spoke with whom in a row, in Zeek's words."""
    found = {word: rows.texts[name][place] for name, word in _WORDS.items() if name in rows.texts}
    port = int(rows.numbers["port"][place])
    if port:
        found["id.resp_p"] = str(port)
    return {word: value for word, value in found.items() if value}


def findings(tenant: str, hits: Iterable[Hit], rules: Mapping[str, RuleInfo]) -> tuple[pa.Table, list[str]]:
    """Findings in the words of `FINDING`, by time, and notes on what was left out."""
    kept: dict[str, dict[str, dict[str, Any]]] = {}
    dropped: dict[str, int] = {}
    for hit in hits:
        row = _row(tenant, hit, rules[hit.rule])
        of_rule = kept.setdefault(hit.rule, {})
        if len(of_rule) >= MOST_FINDINGS and row["finding_uid"] not in of_rule:
            dropped[hit.rule] = dropped.get(hit.rule, 0) + 1
            continue
        of_rule.setdefault(row["finding_uid"], row)
    rows = [row for of_rule in kept.values() for row in of_rule.values()]
    rows.sort(key=lambda row: (row["time"], row["finding_uid"]))
    notes = [
        f"network: {count:,} more findings of {rules[key].title!r} in {tenant} beyond {MOST_FINDINGS:,} are not shown"
        for key, count in sorted(dropped.items())
    ]
    return pa.Table.from_pylist(rows, FINDING), notes


def _row(tenant: str, hit: Hit, rule: RuleInfo) -> dict[str, Any]:
    rows = hit.rows
    first = int(hit.places[0])
    matched = {**ends(rows, first), **_span(rows, hit.places), **hit.matched}
    about = hit.about or (*ends(rows, first).values(), str(int(rows.time[first])))
    said = "\x1f".join((tenant, rule.id, rule.version, *about))
    return {
        "finding_uid": hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        "rule_id": rule.id,
        "rule_version": rule.version,
        "time": int(rows.time[first]),
        "tenant": tenant,
        "host": hit.host or rows.texts["host"][first] or None,
        "user": None,
        "logon_id": None,
        "process_uid": None,
        "parent_uid": None,
        "table": rows.table,
        "event_uids": [hexadecimal(uid) for uid in rows.uid[hit.places[:MOST_EVENTS]].tolist()],
        "evidence": rows.texts["evidence"][first],
        "record": int(rows.record[first]),
        "matched": [(name, value[:8192]) for name, value in matched.items() if value],
    }


def _span(rows: Rows, places: Numbers) -> dict[str, str]:
    """How many events there are, and between when."""
    if len(places) < 2:
        return {}
    times = rows.time[places]
    return {"count": str(len(places)), "first seen": moment(times.min()), "last seen": moment(times.max())}


def moment(microseconds: Any) -> str:
    """A time in words; empty where it is beyond what a calendar has."""
    try:
        return datetime.fromtimestamp(int(microseconds) / 1e6, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return ""


def number(value: float) -> str:
    """A number for people: whole where it is large."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == np.floor(value) else f"{value:.3g}"
