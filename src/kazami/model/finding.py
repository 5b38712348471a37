"""Findings: what is asserted, with its evidence (OCSF 2004 at the edge)."""

from __future__ import annotations

import pyarrow as pa

#: Sigma's levels, weakest first.
LEVELS: tuple[str, ...] = ("informational", "low", "medium", "high", "critical")

FINDING: pa.Schema = pa.schema(
    [
        pa.field(
            "finding_uid", pa.string(), nullable=False
        ),  # 32 hex digits of tenant, rule, version and events
        pa.field("rule_id", pa.string(), nullable=False),
        pa.field("rule_version", pa.string(), nullable=False),  # 16 hex digits of the rule's content
        pa.field("time", pa.timestamp("us", "UTC")),
        pa.field("tenant", pa.string(), nullable=False),
        pa.field("host", pa.string()),
        pa.field("user", pa.string()),
        pa.field("logon_id", pa.string()),
        pa.field("process_uid", pa.string()),
        pa.field("parent_uid", pa.string()),
        pa.field("table", pa.string(), nullable=False),  # where its first event is stored
        pa.field("event_uids", pa.list_(pa.string()), nullable=False),
        pa.field("evidence", pa.string(), nullable=False),  # evidence_uid of the first event
        pa.field("record", pa.int64(), nullable=False),
        pa.field("matched", pa.map_(pa.string(), pa.string()), nullable=False),  # field to value
    ]
)


def level_rank(level: str) -> int:
    """Position in `LEVELS`; an unknown or missing level ranks as informational."""
    return LEVELS.index(level) if level in LEVELS else 0
