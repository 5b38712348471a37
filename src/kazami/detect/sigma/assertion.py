"""From matches to findings, and to what correlations need, without a Python object per finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import inf
from typing import Any

import numpy as np
import pyarrow as pa

from kazami.detect.sigma.match import Match
from kazami.model.event import ENVELOPE, Route
from kazami.model.finding import FINDING

#: Characters of a matched value that a finding repeats; the event keeps it whole.
LONGEST = 8192

#: Characters that the findings of one batch repeat in all; beyond that only the beginning (`SHORT`) of a value.
#: Long values on which hundreds of rules are true would otherwise take more memory than there is.
MOST, SHORT = 64 << 20, 128

#: Matches that feed correlations: one row an event and rule. `fields` are those that group, count or sum.
MATCH: pa.Schema = pa.schema(
    [
        pa.field("rule_id", pa.string(), nullable=False),
        pa.field("rule_version", pa.string(), nullable=False),
        pa.field("event_uid", pa.string(), nullable=False),
        *(ENVELOPE.field(name) for name in ("time", "tenant", "host", "user", "logon_id", "process_uid")),
        ENVELOPE.field("parent_uid"),
        pa.field("table", pa.string(), nullable=False),
        ENVELOPE.field("evidence"),
        ENVELOPE.field("record"),
        pa.field("fields", pa.map_(pa.string(), pa.string()), nullable=False),
    ]
)

_SHARED = ("time", "tenant", "host", "user", "logon_id", "process_uid", "parent_uid")


def findings(batch: pa.RecordBatch, matches: Sequence[Match]) -> pa.Table:
    """One finding (`FINDING`) for each row of each match."""
    matches = [match for match in matches if match.rule.report]
    if not matches:
        return FINDING.empty_table()
    rows = np.concatenate([match.rows for match in matches])
    taken = _Taken(batch, rows)
    uids = taken.column("event_uid")
    rules = [match.rule for match in matches for _ in range(len(match.rows))]
    columns = {
        "finding_uid": pa.array(
            [finding_uid(r.info.id, r.info.version, u) for r, u in zip(rules, uids.to_pylist(), strict=True)],
            pa.string(),
        ),
        "rule_id": pa.array([rule.info.id for rule in rules], pa.string()),
        "rule_version": pa.array([rule.info.version for rule in rules], pa.string()),
        **{name: taken.column(name) for name in _SHARED},
        "table": pa.repeat(pa.scalar(Route.of(batch).table, pa.string()), len(rows)),
        "event_uids": pa.ListArray.from_arrays(np.arange(len(rows) + 1, dtype=np.int32), uids),
        "evidence": taken.column("evidence"),
        "record": taken.column("record"),
        "matched": _maps([match.fields() for match in matches], [len(match.rows) for match in matches], MOST),
    }
    return pa.Table.from_pydict(columns, schema=FINDING)


def fuel(batch: pa.RecordBatch, matches: Sequence[Match], needed: Mapping[str, frozenset[str]]) -> pa.Table:
    """The matches (`MATCH`) of rules that correlations build on; `needed` maps their ids to fields."""
    matches = [match for match in matches if match.rule.info.id in needed]
    if not matches:
        return MATCH.empty_table()
    rows = np.concatenate([match.rows for match in matches])
    taken = _Taken(batch, rows)
    infos = [match.rule.info for match in matches for _ in range(len(match.rows))]
    wanted = [
        [(name, match.columns.text(name, match.rows)) for name in sorted(needed[match.rule.info.id])]
        for match in matches
    ]
    columns = {
        "rule_id": pa.array([info.id for info in infos], pa.string()),
        "rule_version": pa.array([info.version for info in infos], pa.string()),
        "event_uid": taken.column("event_uid"),
        **{name: taken.column(name) for name in _SHARED},
        "table": pa.repeat(pa.scalar(Route.of(batch).table, pa.string()), len(rows)),
        "evidence": taken.column("evidence"),
        "record": taken.column("record"),
        "fields": _maps(wanted, [len(match.rows) for match in matches], inf),
    }
    return pa.Table.from_pydict(columns, schema=MATCH)


def finding_uid(rule_id: str, version: str, *event_uids: str) -> str:
    """32 hex digits of what a finding asserts: the rule, its version, and the events (which hold the tenant)."""
    return sha256("\0".join((rule_id, version, *event_uids)).encode()).hexdigest()[:32]


class _Taken:
    """Columns of a batch at chosen rows."""

    def __init__(self, batch: pa.RecordBatch, rows: Any) -> None:
        self._batch, self._rows = batch, pa.array(rows)

    def column(self, name: str) -> pa.Array:
        return self._batch.column(name).take(self._rows)


def _maps(
    fields: Sequence[list[tuple[str, list[str | None]]]], counts: Sequence[int], most: float
) -> pa.MapArray:
    """A map (field to value) for each row of each match; fields without a value are left out."""
    keys: list[str] = []
    values: list[str] = []
    offsets = [0]
    for named, count in zip(fields, counts, strict=True):
        for row in range(count):
            for name, column in named:
                value = column[row]
                if value is not None:
                    longest = LONGEST if most > 0 else SHORT
                    values.append(value if len(value) <= longest else value[:longest] + "…")
                    keys.append(name)
                    most -= len(values[-1])
            offsets.append(len(keys))
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(keys, pa.string()), pa.array(values, pa.string())
    )
