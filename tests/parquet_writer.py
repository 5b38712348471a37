"""Parquet for tests, in memory."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def parquet(rows: list[dict[str, Any]], **options: Any) -> bytes:
    """The bytes of a Parquet file with these rows; `options` are those of ``pyarrow.parquet.write_table``."""
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out, **options)
    return out.getvalue()
