"""Parquet: tables of events or alerts that other tools exported. A row is a record as JSON would say it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from kazami.model.evidence import Evidence
from kazami.sources.columns import Columns, reading
from kazami.sources.json_shape import Shapes

MAGIC = b"PAR1"

#: Rows at a time, columns of a file, and bytes that a row group may say it unpacks to.
ROWS, MAX_COLUMNS, MAX_GROUP = 1024, 5000, 1 << 30


def confidence(name: str, head: bytes) -> float:
    """By the first four bytes, which nothing else begins with."""
    return 0.99 if head[:4] == MAGIC else 0.0


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every row of `evidence`; yields the bytes read since the last time."""
    shapes = Shapes(columns)
    with evidence.open() as stream, contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(pq.ParquetFile(stream))
            _check(file)
        except (pa.ArrowException, OSError, ValueError) as error:
            columns.reject("the footer", f"not a Parquet table: {_said(error)}", 1, "")
            return
        row, groups = 1, file.metadata.num_row_groups
        for group in range(groups):
            size = file.metadata.row_group(group).num_rows
            try:
                for number, record in enumerate(_records(file, group), row):
                    shapes.add(record, orjson.dumps(record).decode(), number)
                    if not number % ROWS:
                        shapes.flush()
                        yield 0
            except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
                columns.reject(f"row group {group + 1}", f"cannot be read: {_said(error)}", max(0, size), "")
            row += max(0, size)
            shapes.flush()
            yield evidence.size // groups if evidence.size > 0 else 0


read = reading(feed)


def _check(file: Any) -> None:
    meta = file.metadata
    if meta.num_columns > MAX_COLUMNS:
        raise ValueError(f"{meta.num_columns:,} columns")
    largest = max((meta.row_group(group).total_byte_size for group in range(meta.num_row_groups)), default=0)
    if largest > MAX_GROUP:
        raise ValueError(f"a row group of {largest:,} bytes")


def _records(file: Any, group: int) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(batch_size=ROWS, row_groups=[group]):
        for record in batch.to_pylist():
            yield {name: _plain(value) for name, value in record.items() if value is not None}


def _plain(value: Any) -> Any:
    """A value as JSON knows it: numbers, texts, lists and objects as they are, bytes and times as texts."""
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _said(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:200] or type(error).__name__
