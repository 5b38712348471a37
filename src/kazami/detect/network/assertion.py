"""From what a detector found in the rows of a batch to findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa

from kazami.model.event import Route
from kazami.model.finding import FINDING
from kazami.model.rule import RuleInfo

#: Characters of one value that a finding repeats.
LONGEST = 8192

_SHARED = ("time", "tenant", "host", "user", "logon_id", "process_uid", "parent_uid", "evidence", "record")


def asserted(batch: pa.RecordBatch, found: Sequence[tuple[int, RuleInfo, Mapping[str, str]]]) -> pa.Table:
    """One finding (`FINDING`) for each (row of `batch`, rule, matched fields)."""
    if not found:
        return FINDING.empty_table()
    rows = pa.array([row for row, _, _ in found], pa.int64())
    uids = batch.column("event_uid").take(rows)
    infos = [info for _, info, _ in found]
    columns = {
        "finding_uid": [_uid(info, uid) for info, uid in zip(infos, uids.to_pylist(), strict=True)],
        "rule_id": [info.id for info in infos],
        "rule_version": [info.version for info in infos],
        **{name: batch.column(name).take(rows) for name in _SHARED},
        "table": pa.repeat(pa.scalar(Route.of(batch).table, pa.string()), len(found)),
        "event_uids": pa.ListArray.from_arrays(np.arange(len(found) + 1, dtype=np.int32), uids),
        "matched": [[(name, value[:LONGEST]) for name, value in fields.items()] for _, _, fields in found],
    }
    return pa.Table.from_pydict(columns, schema=FINDING)


def _uid(info: RuleInfo, event: str) -> str:
    return sha256("\0".join((info.id, info.version, event)).encode()).hexdigest()[:32]
