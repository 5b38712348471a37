"""What rules found while a capture was read, as findings: each row of the table ``rule_match`` is one."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from kazami.detect.network.assertion import asserted
from kazami.model.rule import RuleInfo

#: Where matches lie.
tables = ("rule_match",)

#: The words of the rules come with the scan that uses them.
RULES: dict[str, RuleInfo] = {}

#: Fields that a finding repeats: what matched, where, and between whom.
SHOWN = (
    "bytes",
    "buffer",
    "offset",
    "direction",
    "src",
    "src_p",
    "dst",
    "dst_p",
    "app_proto",
    "packet",
    "verdict",
    "sid",
)


def detect(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Findings (`FINDING`), a table for each batch of matches."""
    for batch in batches:
        columns = {name: _texts(batch, name) for name in (*SHOWN, "rule", "rule_version", "msg", "level")}
        yield asserted(batch, list(_found(batch.num_rows, columns)))


def _found(rows: int, columns: dict[str, list[str | None]]) -> Iterator[tuple[int, RuleInfo, dict[str, str]]]:
    for row in range(rows):
        said = {name: column[row] for name, column in columns.items()}
        rule, version = said["rule"], said["rule_version"]
        if rule and version:
            info = RuleInfo(rule, version, said["msg"] or rule, said["level"] or "informational")
            yield row, info, {name: value for name in SHOWN if (value := said[name]) is not None}


def _texts(batch: pa.RecordBatch, name: str) -> list[str | None]:
    if name not in batch.schema.names:
        return [None] * batch.num_rows
    cells = batch.column(name).to_pylist()
    return [
        cell[0] if isinstance(cell, list) and cell else None if isinstance(cell, list) else cell
        for cell in cells
    ]
