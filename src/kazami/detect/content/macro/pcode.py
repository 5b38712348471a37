"""Compiled VBA, the part of a module's stream before its source that Office runs if its version is the right one (MS-OVBA, PerformanceCache).

Its format is not published; what is read of it is the table of lines behind the mark 0xCAFE and, in each line, the strings: instruction
0xB9 (0xB6 in VBA 6), a length, the bytes. That is enough to hold it against the source. Whoever replaces the source keeps what runs.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

_MARK = b"\xfe\xca"
_LINE = 12
_LINES = 20_000
_STRING = (0xB6, 0xB9)
_OPERATION = 0x3FF  # the lower bits of an instruction; the upper ones are flags
_IDENTIFIER = re.compile(rb"(?<![\w])[A-Za-z]\w{2,60}")


def lines(cache: bytes) -> list[bytes]:
    """The compiled lines; empty where there is none, or the table does not hold together."""
    at = cache.find(_MARK)
    while at >= 0:
        if found := _table(cache, at):
            return found
        at = cache.find(_MARK, at + 1)
    return []


def _table(cache: bytes, at: int) -> list[bytes]:
    """Lines of the table whose mark is at `at`: mark, two bytes, number of lines, then 12 bytes a line, ten bytes, code."""
    if at + 6 > len(cache):
        return []
    count = struct.unpack_from("<H", cache, at + 4)[0]
    first, code = at + 6, at + 6 + count * _LINE + 10
    if not 0 < count <= _LINES or code > len(cache):
        return []
    found = []
    for row in range(count):
        length, _, offset = struct.unpack_from("<HHL", cache, first + row * _LINE + 4)
        if offset == 0xFFFFFFFF or not length:
            continue
        if code + offset + length > len(cache):
            return []
        found.append(cache[code + offset : code + offset + length])
    return found


def literals(compiled: list[bytes]) -> Iterator[bytes]:
    """The strings in compiled lines."""
    for line in compiled:
        at = 0
        while at + 4 <= len(line):
            operation, length = struct.unpack_from("<HH", line, at)
            text = line[at + 4 : at + 4 + length]
            if operation & _OPERATION in _STRING and len(text) == length and _printable(text):
                yield text
                at += 4 + length + (length & 1)
            else:
                at += 2


def _printable(text: bytes) -> bool:
    return all(byte >= 0x20 or byte in b"\t\r\n" for byte in text)


def identifiers(cache: bytes) -> set[str]:
    """Names in the project's own cache (``_VBA_PROJECT``): all that was ever called in it."""
    return {match.decode("ascii") for match in _IDENTIFIER.findall(cache)}
