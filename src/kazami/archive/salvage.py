"""What can be saved of a zip whose directory is gone: its members by their own headers, one after another."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from kazami.archive import Fault, Member
from kazami.archive.budget import Budget
from kazami.archive.name import decoded
from kazami.archive.stream import PIECE, paid, pieces

#: The header before each member: signature, version, flags, method, time, date, CRC-32, packed and unpacked size, length
#: of the name and of the extra field.
LOCAL = struct.Struct("<4s5H3L2H")

_ENCRYPTED, _DESCRIPTOR = 1, 8  # flags; a descriptor after the content holds what the header does not
_STORED, _DEFLATED = 0, 8


class _Header(NamedTuple):
    flags: int
    method: int
    packed: int
    name: str
    start: int  # of the content


def members(file: BinaryIO, why: str, budget: Budget) -> Iterator[Member | Fault]:
    """Members up to where they end, or to the first whose end cannot be found. `why` is what ails the directory."""
    yield Fault("", "", f"read without its directory: {why}", 0)
    position: int | None = 0
    while position is not None:
        header = _header(file, position)
        if isinstance(header, str):
            if header:
                yield Fault("", f"byte {position:,}", header)
            return
        if not _readable(header):
            yield Fault(header.name, f"byte {position:,}", "cannot be read without the archive's directory")
            position = None if header.flags & _DESCRIPTOR else header.start + header.packed
            continue
        content = _Content(file, header)
        if not header.name.endswith("/"):
            yield Member(header.name, paid(iter(content), budget))
        position = content.end(header)


def _header(file: BinaryIO, position: int) -> _Header | str:
    """The header at `position`; else why there is none, "" where members end in good order."""
    file.seek(position)
    head = file.read(LOCAL.size)
    if head.startswith((b"PK\x01\x02", b"PK\x05\x06")):
        return ""
    if len(head) < LOCAL.size:
        return "the archive ends too early"
    if not head.startswith(b"PK\x03\x04"):
        return "no member begins here, nothing after this is read"
    _, _, flags, method, _, _, _, packed, _, name, extra = LOCAL.unpack(head)
    return _Header(flags, method, packed, decoded(file.read(name)), position + LOCAL.size + name + extra)


def _readable(header: _Header) -> bool:
    if header.flags & _ENCRYPTED:
        return False
    return header.method == _DEFLATED or (header.method == _STORED and not header.flags & _DESCRIPTOR)


class _Content:
    """One member's content, whose length only its own end may tell."""

    def __init__(self, file: BinaryIO, header: _Header) -> None:
        self._file, self._at, self._unused = file, header.start, 0
        self._left = header.packed if header.method == _STORED else None
        self._pieces = pieces(self._read) if header.method == _STORED else self._inflated()

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def _read(self, count: int) -> bytes:
        self._file.seek(self._at)
        count = count if self._left is None else min(count, self._left)
        data = self._file.read(count) if count else b""
        self._at += len(data)
        if count and not data:
            raise EOFError("ends too early")
        if self._left is not None:
            self._left -= len(data)
        return data

    def _inflated(self) -> Iterator[bytes]:
        decoder = zlib.decompressobj(-15)
        while not decoder.eof:
            data = self._read(1 << 12)
            while data and not decoder.eof:
                yield decoder.decompress(data, PIECE)
                data = decoder.unconsumed_tail
        self._unused = len(decoder.unused_data)

    def end(self, header: _Header) -> int | None:
        """Where the next member begins, past the data descriptor if there is one; None where that is unknown."""
        try:
            for _ in self._pieces:  # what nobody has read
                pass
        except (EOFError, zlib.error):
            return None
        position = self._at - self._unused
        if not header.flags & _DESCRIPTOR:
            return position
        self._file.seek(position)
        after = self._file.read(28)
        return position + next((n for n in (12, 16, 20, 24) if after[n : n + 2] == b"PK"), 16)
