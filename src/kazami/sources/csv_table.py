"""CSV with a header: exports of Windows event logs and of Defender, and any other table.

What the columns of a file mean is decided by its header: `csv_shapes` for those that wrap events, the dialects of
JSON for those whose columns are fields. Anything else is the table ``csv``, columns as they are.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import islice

import orjson

from kazami.model.evidence import Evidence
from kazami.sources import csv_rows, csv_shapes, defender, dialect, ecs, evtxecmd, json_shape
from kazami.sources.columns import Columns, reading
from kazami.sources.csv_rows import Row
from kazami.sources.encoding import in_utf8
from kazami.sources.json_frames import Readable, first_lines, line_blocks
from kazami.sources.json_shape import Shapes
from kazami.sources.network import words

#: Columns of one file.
MAX_COLUMNS = 5000

#: Rows between two signs of progress.
STRIDE = 2048

_SAMPLE = 1 << 16  # bytes by which a delimiter is told
_NAME = re.compile(r"[\w#@.$%(\[][^\n\r{}<>=\"]{0,79}\Z")
_NUMBER = re.compile(r"[\d.,:/+ -]+\Z")
_NFDUMP = ("ts", "te", "td", "sa", "da")  # a summary follows its flows
_PREAMBLE = ("#TYPE ", "sep=")


def confidence(name: str, head: bytes) -> float:
    """By a header whose cells can be names, and rows of as many cells below it."""
    if b"\0\0\0\0" in head[:4096]:
        return 0.0
    lines = _first_lines(head)
    separator = csv_rows.delimiter(lines)
    if not separator:
        return 0.0
    rows = list(islice(csv_rows.read(enumerate(lines, 1), separator), 2))
    header = rows[0].cells
    if not _is_header(header):
        return 0.0
    if _is_known(tuple(header)):
        return 0.9
    sure = 0.45 if len(rows) > 1 else 0.25
    return sure + 0.2 * name.lower().endswith((".csv", ".tsv"))


def _first_lines(head: bytes) -> list[str]:
    text = in_utf8(io.BytesIO(head[:_SAMPLE])).read(_SAMPLE * 2).decode("utf-8", "replace")
    lines = text.split("\n")
    whole = lines[:-1] if len(lines) > 1 and (len(head) >= _SAMPLE or not lines[-1]) else lines
    start = next((n for n, line in enumerate(whole[:2]) if not line.startswith(_PREAMBLE)), 0)
    return [line.rstrip("\r") for line in whole[start:]]


def _is_header(cells: list[str]) -> bool:
    """Whether cells can be names: hardly any empty or repeated, none a number."""
    names = [cell.strip() for cell in cells if cell.strip()]
    if len(names) * 10 < len(cells) * 9 or len(set(names)) * 10 < len(names) * 9:
        return len(cells) == 6 and csv_shapes.of(tuple(_unique(cells))) is not None
    return all(_NAME.match(name) and not _NUMBER.match(name) for name in names)


def _is_known(keys: tuple[str, ...]) -> bool:
    return (
        csv_shapes.of(keys) is not None
        or dialect.of(keys) is not None
        or defender.recognizes(defender.spelled(keys))
        or ecs.recognizes(keys)
        or evtxecmd.recognizes(keys)
        or words.recognizes(keys)
        or "_raw" in keys
    )


def _kept(keys: tuple[str, ...]) -> frozenset[str]:
    """The columns that every row has, even empty: all, but of Windows events those that say what an event is."""
    form = dialect.of(keys)
    return frozenset(keys) if form is None else frozenset().union(*form.names.values())


def _unique(header: list[str]) -> list[str]:
    """The names of columns: none empty, none twice."""
    seen: dict[str, int] = {}
    names = []
    for place, cell in enumerate(header[:MAX_COLUMNS], 1):
        name = cell.strip()[:200] or f"column {place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


#: A time of the day, as a table has it that keeps days in a column of their own.
_HOUR = re.compile(r"\d{1,2}:\d\d")


class _Table:
    """The rows below one header, on their way to the columns."""

    def __init__(self, header: Row, columns: Columns) -> None:
        self._columns = columns
        names = _unique(header.cells)
        self._shape = csv_shapes.of(tuple(names))
        if self._shape is not None:
            names += [f"column {place}" for place in range(len(names) + 1, self._shape.columns + 1)]
        self._keys = tuple(names)
        self._width = max(len(header.cells), len(names))
        self._generic = self._shape is None and not _is_known(self._keys)
        self._kept = _kept(self._keys)
        told = {name.strip().lower(): name for name in self._keys}
        self._clock = told.get("date", ""), told.get("time", "")
        self._shapes = Shapes(columns)
        self._ends = "Summary" if self._keys[:5] == _NFDUMP else None
        if self._width > MAX_COLUMNS:
            reason = f"more than {MAX_COLUMNS} columns: the rest is only in the original text"
            columns.reject(f"line {header.number}", reason, 0, f"{self._width} columns")

    def add(self, row: Row) -> None:
        """Take one row. It is kept as an object, since what its cells mean is not in itself."""
        if self._ends is not None and row.cells[0] == self._ends:
            self._keys, self._ends = (), None
        if not self._keys:
            return
        record = dict(zip(self._keys, row.cells, strict=False))
        raw = dict(record)
        if len(row.cells) != self._width or row.unclosed:
            self._note(row)
            if len(row.cells) > len(self._keys):
                raw["..."] = "\n".join(row.cells[len(self._keys) :])
        text = orjson.dumps(raw).decode()
        if self._shape is not None:
            event = self._shape.event(record)
            self._shapes.add(event, text, row.number)
            return
        if self._generic:
            values = {name: cell or None for name, cell in record.items()}
            plan = json_shape.generic((*values,), "csv")
            self._columns.add(plan, (*values.values(),), text, row.number)
        else:
            # an empty cell of a table of events says nothing: another event of it has that field
            values = {name: cell or None for name, cell in record.items() if cell or name in self._kept}
            date, time = (values.get(name) for name in self._clock)
            if date and time and _HOUR.match(time):
                values["#time"] = f"{date} {time}"
            self._shapes.add(values, text, row.number)

    def _note(self, row: Row) -> None:
        if row.unclosed:
            reason = "quotes that do not fit together: the line is read alone"
        else:
            reason = f"{'fewer' if len(row.cells) < self._width else 'more'} cells than the header has"
        self._columns.reject(f"line {row.number}", reason, 0, f"{len(row.cells)} cells: {row.cells[0][:100]}")

    def flush(self) -> None:
        """Hand on what waits."""
        self._shapes.flush()


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every row of `evidence`; yields the bytes read since the last time."""
    with evidence.open() as stream:
        source = in_utf8(stream)
        head = first_lines(source)
        lines = _Lines(source, head, columns)
        rows = csv_rows.read(lines, csv_rows.delimiter(_first_lines(head)) or ",")
        table: _Table | None = None
        for count, row in enumerate(rows):
            if table is None:
                table = _Table(row, columns)
                continue
            table.add(row)
            if not count % STRIDE:
                table.flush()
                yield lines.progress()
        if table is not None:
            table.flush()
        yield lines.progress()


class _Lines:
    """Numbered lines of a file behind its preamble; counts the bytes that were read for them."""

    def __init__(self, source: Readable, head: bytes, columns: Columns) -> None:
        self._blocks = line_blocks(source, head, columns.reject)
        self._read = 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        for block in self._blocks:
            self._read += block.size
            for number, text in zip(block.numbers, block.texts, strict=True):
                if not (number <= 2 and text.startswith(_PREAMBLE)):
                    yield number, text.replace("\0", "")

    def progress(self) -> int:
        """Bytes read since the last time."""
        read, self._read = self._read, 0
        return read


read = reading(feed)
