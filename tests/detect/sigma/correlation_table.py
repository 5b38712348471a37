"""Matches for tests of correlations: from dicts to the table that the pipeline hands over."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from kazami.detect.sigma.correlation import MATCHES


def table(matches: list[dict[str, Any]]) -> pa.Table:
    """A table of dicts with rule, uid, time (microseconds or None), tenant, fields, and what else `MATCHES` names."""
    rows = [
        {
            "rule_id": match["rule"],
            "event_uid": match["uid"],
            "time": match["time"],
            "tenant": match["tenant"],
            "host": match.get("host"),
            "user": match.get("user"),
            "table": match.get("table", "security"),
            "evidence": match.get("evidence", "e" * 16),
            "record": match.get("record", number),
            "fields": list(match["fields"].items()),
        }
        for number, match in enumerate(matches)
    ]
    return pa.Table.from_pylist(rows, schema=MATCHES)
