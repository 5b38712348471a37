"""Plain rows on standard output: a table on a terminal, JSON lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from kazami.cli.terminal import data, out, speaking
from kazami.respond.text import safe, safe_json

if TYPE_CHECKING:
    from rich.table import Table

#: Characters of a cell on a terminal.
WIDEST = 200

#: What a column that is broken in several lines has at least.
BROKEN = 16

#: Larger whole numbers have no room in JSON as it is written here.
_WHOLE = 1 << 63


def show(names: Sequence[str], batches: Iterable[pa.RecordBatch], limit: int = 0) -> None:
    """Rows of Arrow batches; at most `limit` of them, 0 for all. Says on standard error if there are more."""
    rows = (
        row for batch in batches for row in zip(*(_values(column) for column in batch.columns), strict=True)
    )
    table(names, _first(rows, limit))


def _values(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if pa.types.is_map(column.type):
        return [None if value is None else dict(value) for value in values]
    return values


def _first(rows: Iterator[Any], limit: int) -> Iterator[Any]:
    for number, row in enumerate(rows, 1):
        if limit and number > limit:
            sys.stderr.write(f"kazami: more than {limit:,} rows; --limit 0 gives all\n")
            return
        yield row


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows under `names`."""
    with speaking(sys.stdout):
        if sys.stdout.isatty():
            _table(names, rows)
            return
        stream = out()
        for row in rows:
            stream.write(line(dict(zip(names, row, strict=True))) + "\n")


def line(row: dict[str, Any]) -> str:
    """A row as one line of JSON."""
    return safe_json(orjson.dumps(row, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode())


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    data().print(drawn(names, rows))


def drawn(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Rows under `names` as they stand on a terminal."""
    from rich.table import Table
    from rich.text import Text

    shown = [[_cell(value) for value in row] for row in rows]
    widths = [
        max([len(_cell(name)), *(len(row[place]) for row in shown)]) for place, name in enumerate(names)
    ]
    whole = _unbroken(widths, data().width)
    grid = Table(box=None, pad_edge=False)
    for place, name in enumerate(names):
        grid.add_column(_cell(name), no_wrap=place in whole, overflow="fold")
    for row in shown:
        grid.add_row(*map(Text, row))
    return grid


def _unbroken(widths: Sequence[int], room: int) -> set[int]:
    """Columns that are not broken in several lines: the narrowest, as long as every other one keeps `BROKEN` characters."""
    order = sorted(range(len(widths)), key=widths.__getitem__)
    free = room - 2 * len(widths)
    whole: set[int] = set()
    for number, place in enumerate(order):
        free -= widths[place]
        if free < BROKEN * (len(order) - number - 1):
            break
        whole.add(place)
    return whole


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.isoformat(" ", "milliseconds" if value.microsecond else "seconds").removesuffix(
            "+00:00"
        )
    if isinstance(value, list):
        value = ", ".join(str(_plain(part)) for part in value if part is not None)
    text = safe(str(_plain(value)) if not isinstance(value, str) else value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _plain(value: Any) -> Any:
    """What JSON does not know: bytes as hex, decimals as numbers (DuckDB's sums are), and whatever else as its text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        if value != value.to_integral_value():
            return float(value)
        return int(value) if abs(value) < _WHOLE else str(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
