"""Rows of a CSV file: what separates cells, where a row ends, and what to do where quotes are not closed.

After RFC 4180 and what is written in its place: commas, semicolons, tabs or bars; quotes with line ends inside.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

#: Characters of one cell, and lines that one row may have.
MAX_CELL = 16 << 20
MAX_LINES = 20_000

#: Quotes of one file that may stay open before quotes are no longer believed.
MAX_UNCLOSED = 20

DELIMITERS = ",;\t|"

_ROWS = 20  # by which a delimiter is told


class Row(NamedTuple):
    """The cells of one row, the number of its first line, and whether its quotes could not be believed."""

    cells: list[str]
    number: int
    unclosed: bool = False


def delimiter(lines: list[str]) -> str:
    """What separates the cells of these first lines; "" where nothing does.

    It is what makes the most cells of the header, of what also divides the rows below it as often, or once more:
    Event Viewer names no column for the message.
    """
    best, most = "", 1
    for candidate in DELIMITERS:
        rows = list(islice(read(enumerate(lines, 1), candidate), _ROWS))
        if rows and len(rows[0].cells) > most and _divides(rows):
            best, most = candidate, len(rows[0].cells)
    return best


def _divides(rows: list[Row]) -> bool:
    """Whether most rows have as many cells as the header; a row that `lines` cut counts no more than what it became."""
    width = len(rows[0].cells)
    alike = [len(row.cells) - width in (0, 1) for row in rows[1:]]
    cut = next((place for place, row in enumerate(rows[1:]) if row.unclosed), 0)
    return any(sum(some) * 5 >= 3 * len(some) for some in (alike, alike[:cut]) if some or not alike)


def read(lines: Iterable[tuple[int, str]], separator: str) -> Iterator[Row]:
    """The rows of numbered `lines` (without their ends), blank ones left out."""
    csv.field_size_limit(MAX_CELL)
    source = _Lines(lines)
    parser = csv.reader(source.take(), delimiter=separator, strict=True)
    broken = 0
    while True:
        source.begin()
        try:
            cells = next(parser)
        except StopIteration:
            return
        except csv.Error:
            broken += 1
            number, line = source.first_alone()
            yield Row(_alone(line, separator), number, True)
            parser = (
                csv.reader(source.take(), delimiter=separator, strict=True)
                if broken < MAX_UNCLOSED
                else csv.reader(source.take(), delimiter=separator, quoting=csv.QUOTE_NONE)
            )
        else:
            if cells:
                yield Row(cells, source.number)


def _alone(line: str, separator: str) -> list[str]:
    """The cells of one line, its quotes as far as they come in pairs."""
    if line.count('"') % 2:
        return line.rstrip("\r").split(separator)
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return line.rstrip("\r").split(separator)


class _Lines:
    """Numbered lines that can be given back, as far as the current row goes."""

    def __init__(self, lines: Iterable[tuple[int, str]]) -> None:
        self._lines = iter(lines)
        self._again: deque[tuple[int, str]] = deque()
        self._taken: list[tuple[int, str]] = []
        self._size = 0

    @property
    def number(self) -> int:
        """Of the first line of the row."""
        return self._taken[0][0]

    def begin(self) -> None:
        """A new row."""
        self._taken.clear()
        self._size = 0

    def take(self) -> Iterator[str]:
        """Lines with their ends, no more than one row may have: the parser then finds that a quote is open."""
        while len(self._taken) < MAX_LINES and self._size < MAX_CELL:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                break
            self._taken.append(line)
            self._size += len(line[1])
            yield line[1] + "\n"

    def first_alone(self) -> tuple[int, str]:
        """The first line of the row; the others are given back."""
        first = self._taken[0]
        self._again.extendleft(reversed(self._taken[1:]))
        self._taken.clear()
        return first
