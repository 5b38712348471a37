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
from kazami.model.finding import FINDING, LEVELS, level_rank
from kazami.model.rule import RuleInfo

#: Events that a finding names, and findings of one rule in one tenant: a detector that says more says nothing.
MOST_EVENTS, MOST_FINDINGS = 100, 2000

#: Findings of one low rule about one machine that are told one by one. What lies minutes to hours apart and comes more than a dozen times is what
#: the machine does every day (monitoring, administration, logons): then one finding tells all of it.
ROUTINE = 12

_LOW, _NAMED = LEVELS.index("low"), 20

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
    habits: dict[tuple[str, str], _Habit] = {}
    for hit in hits:
        rule = rules[hit.rule]
        habit = None
        if level_rank(rule.level) <= _LOW:
            habit = habits.setdefault((hit.rule, hit.rows.texts["source"][int(hit.places[0])]), _Habit())
            habit.take(hit)
            if habit.count > ROUTINE:
                continue
        row = _row(tenant, hit, rule)
        of_rule = kept.setdefault(hit.rule, {})
        if len(of_rule) >= MOST_FINDINGS and row["finding_uid"] not in of_rule:
            dropped[hit.rule] = dropped.get(hit.rule, 0) + 1
            continue
        of_rule.setdefault(row["finding_uid"], row)
        if habit is not None:
            habit.rows.append(row)
    for (key, source), habit in habits.items():
        if habit.count > ROUTINE and habit.rows:
            for row in habit.rows:
                kept[key].pop(row["finding_uid"], None)
            row = habit.row(_identity(tenant, rules[key], (source, "habit")))
            kept[key][row["finding_uid"]] = row
    rows = [row for of_rule in kept.values() for row in of_rule.values()]
    rows.sort(key=lambda row: (row["time"], row["finding_uid"]))
    notes = [
        f"network: {count:,} more findings of {rules[key].title!r} in {tenant} beyond {MOST_FINDINGS:,} are not shown"
        for key, count in sorted(dropped.items())
    ]
    return pa.Table.from_pylist(rows, FINDING), notes


@dataclass(slots=True)
class _Habit:
    """What a machine does again and again, of a rule that is low: `rows` are its first findings; of the others only counts are kept."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    events: int = 0
    span: tuple[int, int] = (1 << 62, 0)
    targets: dict[str, None] = field(default_factory=dict)

    def take(self, hit: Hit) -> None:
        """One more of them."""
        times = hit.rows.time[hit.places]
        self.count, self.events = self.count + 1, self.events + len(hit.places)
        self.span = min(self.span[0], int(times.min())), max(self.span[1], int(times.max()))
        if len(self.targets) <= _NAMED:
            self.targets.update(dict.fromkeys(hit.rows.texts["target"].distinct(hit.places)))

    def row(self, uid: str) -> dict[str, Any]:
        """All of it as one finding: the first, with how often, when and where to."""
        first = min(self.rows, key=lambda row: (row["time"], row["finding_uid"]))
        uids = dict.fromkeys(uid for row in self.rows for uid in row["event_uids"])
        names = list(self.targets)
        told = {
            "times": str(self.count),
            "count": str(self.events),
            "first seen": moment(self.span[0]),
            "last seen": moment(self.span[1]),
            "machines": ", ".join(names[:_NAMED]) + (" and more" if len(names) > _NAMED else ""),
        }
        matched = {**dict(first["matched"]), **told}
        return {
            **first,
            "finding_uid": uid,
            "event_uids": list(uids)[:MOST_EVENTS],
            "matched": list(matched.items()),
        }


def _identity(tenant: str, rule: RuleInfo, about: tuple[str, ...]) -> str:
    said = "\x1f".join((tenant, rule.id, rule.version, *about))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _row(tenant: str, hit: Hit, rule: RuleInfo) -> dict[str, Any]:
    rows = hit.rows
    first = int(hit.places[0])
    matched = {**ends(rows, first), **_span(rows, hit.places), **hit.matched}
    about = hit.about or (*ends(rows, first).values(), str(int(rows.time[first])))
    return {
        "finding_uid": _identity(tenant, rule, about),
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
