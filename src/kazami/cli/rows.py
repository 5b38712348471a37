"""Plain rows on standard output: a table on a terminal, JSON lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa

from kazami.respond.text import safe

#: Characters of a cell on a terminal.
WIDEST = 200


def show(names: Sequence[str], batches: Iterable[pa.RecordBatch], limit: int = 0) -> None:
    """Rows of Arrow batches; at most `limit` of them, 0 for all. Says on standard error if there are more."""
    rows = (
        row
        for batch in batches
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    )
    table(names, _first(rows, limit))


def _first(rows: Iterator[Any], limit: int) -> Iterator[Any]:
    for number, row in enumerate(rows, 1):
        if limit and number > limit:
            sys.stderr.write(f"kazami: more than {limit:,} rows; --limit 0 gives all\n")
            return
        yield row


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows under `names`."""
    if sys.stdout.isatty():
        _table(names, rows)
        return
    for row in rows:
        line = orjson.dumps(
            dict(zip(names, row, strict=True)), default=_plain, option=orjson.OPT_NON_STR_KEYS
        )
        sys.stdout.write(line.decode() + "\n")


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from kazami.cli.terminal import data

    drawn = Table(*names, box=None, pad_edge=False)
    for row in rows:
        drawn.add_row(*(Text(_cell(value)) for value in row))
    data().print(drawn)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = safe(str(_plain(value)) if not isinstance(value, str) else value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _plain(value: Any) -> Any:
    """What JSON does not know: maps arrive as pairs, bytes as hex, and whatever else as its text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if not isinstance(value, (int, float, bool, list, dict, tuple)) else value
