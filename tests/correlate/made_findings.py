"""Findings for tests, from a few words each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pyarrow as pa

from kazami.correlate.run import Correlated, correlate
from kazami.model.finding import FINDING
from kazami.model.rule import RuleInfo

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 4, 1, tzinfo=UTC)

#: Columns of a finding that a test may leave out.
_EMPTY = ("host", "user", "logon_id", "process_uid", "parent_uid")


def finding(
    rule: str, minute: float | None = 0, *, tenant: str = "acme", uid: str = "", **given: Any
) -> dict[str, Any]:
    """One finding: `minute` is counted from noon, None for no time; `given` are columns of `FINDING`."""
    row: dict[str, Any] = {name: given.get(name) for name in _EMPTY}
    matched = list(given.get("matched", {}).items())
    said = repr((rule, minute, tenant, uid, sorted((k, str(v)) for k, v in given.items())))
    return row | {
        "finding_uid": sha256(said.encode()).hexdigest()[:32],
        "rule_id": rule,
        "rule_version": "1",
        "time": None if minute is None else NOON + timedelta(minutes=minute),
        "tenant": tenant,
        "table": "security",
        "event_uids": [],
        "evidence": "e",
        "record": 1,
        "matched": matched,
    }


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Findings as correlation takes them."""
    return pa.Table.from_pylist(rows, FINDING)


def rule(name: str, level: str = "high", *tags: str) -> RuleInfo:
    """A rule that is called by its id; `tags` without their ``attack.``."""
    return RuleInfo(name, "1", name, level, tags=tuple(f"attack.{tag}" for tag in tags))


def told(rows: list[dict[str, Any]], *rules: RuleInfo, **more: Any) -> Correlated:
    """The incidents of `rows`; rules that are not given are of level high, and of no tactic."""
    known = {one.id: one for one in rules}
    everything = {row["rule_id"]: known.get(row["rule_id"], rule(row["rule_id"])) for row in rows}
    return correlate(table(rows), everything, NOW, **more)


def shares(found: Correlated) -> set[frozenset[str]]:
    """Which findings are together."""
    groups: dict[str, set[str]] = {}
    for row in pa.concat_tables(found.members).to_pylist():
        groups.setdefault(row["incident_uid"], set()).add(row["finding_uid"])
    return {frozenset(group) for group in groups.values()}
