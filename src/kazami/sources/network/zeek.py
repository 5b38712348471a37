"""Zeek's logs as text: a header that names path, fields and types, then a record a line.

After Zeek's own documentation of its ASCII writer (``LogAscii``). Several logs in one file, each under its header, are
read one after the other; a file that begins behind its header is not Zeek's for us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any

from kazami.model.evidence import Evidence
from kazami.sources.columns import Columns, Plan, reading
from kazami.sources.encoding import in_utf8
from kazami.sources.json_frames import first_lines, line_blocks
from kazami.sources.network import words

#: Fields of one log; what stands in further ones is only in the original text.
MAX_FIELDS = 1000

#: Elements of one set or vector.
MAX_ELEMENTS = 10_000

_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")
_MARK = re.compile(
    rb"\A(?:\xef\xbb\xbf)?#(?:separator \\x[0-9a-fA-F]{2}|separator .)\r?\n(?:#[^\n]*\n)*?#fields"
)
_LEAST = re.compile(rb"\A(?:\xef\xbb\xbf)?#separator \S")
_BOOLEANS = {"T": "true", "F": "false"}


def confidence(name: str, head: bytes) -> float:
    """Certain where the header stands, with its fields."""
    if _MARK.match(head):
        return 1.0
    return 0.6 if _LEAST.match(head) else 0.0


class _Log:
    """One log: what its header says, and the plans of its lines by which fields are set."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self.separator, self.set_separator = "\t", ","
        self.empty, self.unset = "(empty)", "-"
        self.path = ""
        self.fields: list[str] = []
        self.types: list[str] = []
        self._plans: dict[tuple[bool, ...], Plan] = {}
        self._lists: list[int] = []
        self._booleans: list[int] = []

    def header(self, line: str, number: int) -> None:
        """Take one line that begins with #."""
        word, _, rest = line[1:].partition(self.separator if not line.startswith("#separator") else " ")
        if word == "separator":
            self.__init__(self._columns)  # type: ignore[misc]
            self.separator = unescaped(rest) or "\t"
        elif word in ("set_separator", "empty_field", "unset_field", "path"):
            name = {"empty_field": "empty", "unset_field": "unset"}.get(word, word)
            setattr(self, name, rest or "," if name == "set_separator" else rest)
        elif word == "fields":
            self.fields, self.types = rest.split(self.separator), []
            if len(self.fields) > MAX_FIELDS:
                reason = f"more than {MAX_FIELDS} fields: the rest is only in the original text"
                self._columns.reject(f"line {number}", reason, 0, f"{len(self.fields)} fields")
                del self.fields[MAX_FIELDS:]
            self._plans.clear()
        elif word == "types":
            self.types = rest.split(self.separator)[: len(self.fields)]
            self._plans.clear()
        self._lists = [i for i, kind in enumerate(self.types) if kind.startswith(("set[", "vector["))]
        self._booleans = [i for i, kind in enumerate(self.types) if kind == "bool"]

    @property
    def is_cut(self) -> bool:
        """Whether the header ends before the types of all fields, which stand in its last line, and no record was read with it."""
        return not self._plans and (not self.fields or len(self.types) != len(self.fields))

    def add(self, line: str, number: int) -> None:
        """Take one record."""
        texts = line.split(self.separator)
        if len(texts) != len(self.fields) and not self._fits(texts, line, number):
            return
        unset = self.unset
        there = tuple([text != unset for text in texts])
        plan = self._plans.get(there)
        if plan is None:
            plan = self._plans[there] = self._plan(there)
        cells: list[Any] = texts
        if self._booleans or self._lists or "\\x" in line or self.empty in line:
            cells = self._values(texts, there)
        self._columns.add(plan, [_micros(texts[0]), *compress(cells, there)], line, number)

    def _fits(self, texts: list[str], line: str, number: int) -> bool:
        if not self.fields:
            self._columns.reject(f"line {number}", "a record without a header of Zeek before it", 1, line)
            return False
        if len(texts) < len(self.fields):
            self._columns.reject(f"line {number}", "cut: fewer values than the header has fields", 1, line)
            return False
        if len(self.fields) < MAX_FIELDS:
            self._columns.reject(f"line {number}", "more values than the header has fields", 0, line)
        del texts[len(self.fields) :]
        return True

    def _plan(self, there: tuple[bool, ...]) -> Plan:
        if len(self._plans) >= 4096:
            self._plans.clear()
        names = tuple(compress(self.fields, there))
        path = self.path if words.is_name(self.path) else ""
        return words.plan(
            f"zeek.{path}" if path else "zeek", ("#time" if _has_time(self.fields) else "#", *names)
        )

    def _values(self, texts: Sequence[str], there: tuple[bool, ...]) -> list[Any]:
        cells: list[Any] = [
            unescaped(text) if "\\x" in text else "" if text == self.empty else text for text in texts
        ]
        for place in self._booleans:
            cells[place] = _BOOLEANS.get(texts[place], texts[place])
        for place in self._lists:
            if there[place] and self.set_separator in texts[place]:
                cells[place] = [
                    unescaped(one) for one in texts[place].split(self.set_separator, MAX_ELEMENTS)
                ]
        return cells


def _has_time(fields: list[str]) -> bool:
    return fields[0] == "ts"


def _micros(text: str) -> int | str:
    """Zeek's time in microseconds; another form of time stays as it is."""
    if text[-7:-6] == "." and (whole := text[:-7] + text[-6:]).isdecimal() and len(whole) < 18:
        return int(whole)
    return text


def unescaped(text: str) -> str:
    r"""``\x09`` and the like as what they stand for; bytes that are no UTF-8 stay escaped."""
    if "\\x" not in text:
        return text
    try:
        plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
        return plain.encode("latin-1").decode() if not plain.isascii() and text.isascii() else plain
    except UnicodeError:
        return text


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every record of `evidence`; yields the bytes read since the last time."""
    log, number, line = _Log(columns), 0, ""
    with evidence.open() as stream:
        source = in_utf8(stream)
        for block in line_blocks(source, first_lines(source), columns.reject):
            for number, line in zip(block.numbers, block.texts, strict=True):
                line = line.rstrip("\r")
                if line[:1] == "#":
                    log.header(line, number)
                elif line:
                    log.add(line, number)
                if columns.is_full:
                    yield 0
            yield block.size
    if line[:1] == "#" and log.is_cut:
        columns.reject(f"line {number}", "cut in the header of a log", sample=line)


read = reading(feed)
