"""What can be saved of a zip whose directory is gone or wrong: its members by their own headers, one after another."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
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

#: What each of them begins with.
SIGNATURE = b"PK\x03\x04"

#: How often a member is looked for behind what is none, and bytes read at a time meanwhile.
_SEARCHES, _BLOCK = 1000, 1 << 20


class _Header(NamedTuple):
    flags: int
    method: int
    packed: int
    name: str
    start: int  # of the content


def members(
    file: BinaryIO, why: str, budget: Budget, known: Mapping[int, int] | None = None
) -> Iterator[Member | Fault]:
    """All members that begin anywhere. `why` is what ails the directory; `known` are the members, by where they begin
    and where they end, that it named well, and that somebody else reads."""
    yield Fault("", "", f"read without its directory: {why}", 0)
    known = known or {}
    position, searches = 0, 0
    while True:
        end = known.get(position)
        if end is None:
            header = _header(file, position)
            if header == "":
                return
            if isinstance(header, str):
                yield Fault("", f"byte {position:,}", header)
            elif not _readable(header):
                reason = "cannot be read without the archive's directory"
                yield Fault(header.name, f"byte {position:,}", reason)
                end = None if header.flags & _DESCRIPTOR else header.start + header.packed
            else:
                content = _Content(file, header)
                if not header.name.endswith("/"):
                    yield Member(header.name, paid(iter(content), budget))
                end = content.end(header)
        if end is None:
            searches += 1
            end = _next(file, position + 1) if searches <= _SEARCHES else None
            if end is None:
                return
        position = end


def _next(file: BinaryIO, position: int) -> int | None:
    """Where the next member seems to begin, from `position` on."""
    file.seek(position)
    window = b""
    while data := file.read(_BLOCK):
        window = window[-3:] + data
        found = window.find(SIGNATURE)
        if found >= 0:
            return file.tell() - len(window) + found
    return None


def _header(file: BinaryIO, position: int) -> _Header | str:
    """The header at `position`; else why there is none, "" where members end in good order."""
    file.seek(position)
    head = file.read(LOCAL.size)
    if head.startswith((b"PK\x01\x02", b"PK\x05\x06")):
        return ""
    if len(head) < LOCAL.size:
        return "the archive ends too early"
    if not head.startswith(SIGNATURE):
        return "no member begins here"
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
