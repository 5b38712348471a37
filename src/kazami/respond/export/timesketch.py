"""JSON lines for Timesketch: ``message``, ``datetime`` and ``timestamp_desc``, then the finding's own fields.

Format: https://timesketch.org/guides/user/import-from-json-csv/. A finding without a time is given the
epoch and plaso's words for it, "Not a time", because the import drops what has no ``datetime``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO

from kazami.model.result import FindingRow, Summary
from kazami.respond.export.jsonl import dumps

_EPOCH = "1970-01-01T00:00:00.000000+00:00"


def event(row: FindingRow) -> dict[str, Any]:
    """One finding as Timesketch reads it; fields of the event are prefixed with ``matched_``."""
    time = row["time"]
    where = ", ".join(part for part in (row["host"], row["user"]) if part)
    return {
        "message": f"{row['level']}: {row['title']}" + (f" ({where})" if where else ""),
        "datetime": time.replace("Z", "+00:00") if time else _EPOCH,
        "timestamp_desc": "Finding of a rule" if time else "Not a time",
        "data_type": "kazami:finding",
        "tag": [row["level"], *row["techniques"]],
        **{name: value for name, value in row.items() if name not in ("matched", "time")},
        **{f"matched_{name}": value for name, value in row["matched"].items()},
    }


def write(findings: Iterable[FindingRow], summary: Summary, out: TextIO) -> int:
    """Write one line a finding to `out`; returns how many."""
    count = 0
    for row in findings:
        out.write(dumps(event(row)) + "\n")
        count += 1
    return count
