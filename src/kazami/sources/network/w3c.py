"""W3C extended log format: IIS, proxies that write it, Windows' own firewall. After W3C's working draft WD-logfile-960323."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import compress
from typing import Any

from kazami.model.evidence import Evidence
from kazami.sources.columns import Columns, reading
from kazami.sources.encoding import in_utf8
from kazami.sources.json_frames import first_lines, line_blocks
from kazami.sources.network import words

#: Fields of one log.
MAX_FIELDS = 200

_HEAD = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?:#[A-Za-z -]+:[^\n]*\n){0,20}?#Fields: [^\n]*\b(?:c|cs|s|sc|src)[-(]"
)
_CELL = re.compile(r'"((?:[^"]|"")*)"|(\S+)')


def confidence(name: str, head: bytes) -> float:
    """Certain where directives stand first and name fields of clients and servers."""
    return 1.0 if _HEAD.match(head) else 0.0


class _Log:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._fields: list[str] = []
        self._kind = "proxy"
        self._date = ""

    def directive(self, line: str) -> None:
        """Take one line that begins with #."""
        word, _, rest = line[1:].partition(":")
        rest = rest.strip()
        if word == "Software":
            self._kind = "web" if "Internet Information Services" in rest else "proxy"
        elif word == "Date":
            self._date = rest[:10]
        elif word == "Fields":
            self._fields = rest.split()[:MAX_FIELDS]
            if "src-ip" in self._fields:
                self._kind = "firewall"
            if {"s-sitename", "x-edge-location"} & set(self._fields) or (
                "s-ip" in self._fields and "cs-host" not in self._fields
            ):
                self._kind = "web"

    def add(self, line: str, number: int) -> None:
        """Take one record."""
        texts = line.split(" ") if '"' not in line else [a or b for a, b in _CELL.findall(line)]
        if "\t" in line and len(texts) < len(self._fields):
            texts = line.split("\t")
        if len(texts) < len(self._fields) or not self._fields:
            reason = (
                "cut: fewer values than fields" if self._fields else "a record without fields named before it"
            )
            self._columns.reject(f"line {number}", reason, 1, line)
            return
        there = [text not in ("-", "") for text in texts[: len(self._fields)]]
        named: dict[str, Any] = dict(zip(compress(self._fields, there), compress(texts, there), strict=True))
        if "time" in named and ":" in named["time"]:
            named["#time"] = f"{named.get('date', self._date)} {named['time']}"
        self._columns.add(words.plan(self._kind, (*named,)), (*named.values(),), line, number)


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every record of `evidence`; yields the bytes read since the last time."""
    log = _Log(columns)
    with evidence.open() as stream:
        source = in_utf8(stream)
        for block in line_blocks(source, first_lines(source), columns.reject):
            for number, text in zip(block.numbers, block.texts, strict=True):
                line = text.rstrip("\r\0")
                if line[:1] == "#":
                    log.directive(line)
                elif line.strip():
                    log.add(line, number)
            yield block.size


read = reading(feed)
