"""How much an import table makes its reader do: rows may share one list of functions, so that a small file lists billions.

Counted before a parser walks it, which is not to be stopped once it does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kazami.detect.content.executable.certificate_table import KINDS, header

#: Functions and libraries together, from which on a table is not read; the largest honest ones list some thousand.
MOST = 100_000
_SECTIONS = 100
#: Data directory, bytes of a row, and where in it the lists of functions are named.
_TABLES = ((1, 20, (0, 16)), (13, 32, (16, 12)))


def heavy(data: bytes) -> bool:
    """Whether imports, or delayed ones, are more than `MOST`."""
    optional = header(data) + 24
    start = KINDS.get(int.from_bytes(data[optional : optional + 2], "little"))
    if optional < 24 or start is None:
        return False
    width = 8 if start == max(KINDS.values()) else 4
    sections = list(_sections(data, optional))
    for directory, size, lists in _TABLES:
        at = _offset(_word(data, optional + start + 8 * directory), sections)
        left = MOST
        while left > 0 and at >= 0 and any(row := data[at : at + size]):
            where = [_offset(_word(row, place), sections) for place in lists if _word(row, place)]
            left -= 1 + (_length(data, where[0], width, left) if where and where[0] >= 0 else 0)
            at += size
        if left <= 0:
            return True
    return False


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _sections(data: bytes, optional: int) -> Iterator[tuple[int, int, int]]:
    """Address, size in memory or file, and offset; the headers are where they say."""
    many, size = struct.unpack_from("<H12xH", data, optional - 18)
    yield 0, 0x1000, 0
    for number in range(min(many, _SECTIONS)):
        row = data[optional + size + 40 * number : optional + size + 40 * number + 40]
        yield _word(row, 12), max(_word(row, 8), _word(row, 16)), _word(row, 20)


def _offset(address: int, sections: list[tuple[int, int, int]]) -> int:
    return next((address - a + at for a, size, at in sections[::-1] if a <= address < a + size), -1) if address else -1  # fmt: skip


def _length(data: bytes, at: int, width: int, most: int) -> int:
    """Entries up to the one that is zero."""
    piece = data[at : at + width * most]
    end = 0
    while (end := piece.find(bytes(width), end)) >= 0:
        if not end % width:
            return end // width
        end += 1
    return len(piece) // width
