"""A stretch of an EVTX file as a file of its own, read as it is asked for, and its last chunk mended if it is cut."""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import Any, BinaryIO

from kazami.sources.evtx_chain import CHUNK, ended

HEADER = 4096
FILE_MAGIC, CHUNK_MAGIC = b"ElfFile\x00", b"ElfChnk\x00"

_RECORD_MAGIC, _FIRST_RECORD = b"**\0\0", 512
_LEAST_RECORD = 28  # bytes: header, an empty fragment, the size again
_MOST_RECORDS = CHUNK // _LEAST_RECORD


class Window(io.RawIOBase):
    """The chunks of `stream` from byte `start` to `stop` under a header of their own, each with its chains ended.

    A decoder wants whole chunks. Where the file ends within one, its complete records are kept and the rest is zeros.
    `damage` says so, or that chunks are missing which the file's header announces: place, reason, records lost as far
    as that is known.
    """

    def __init__(self, stream: BinaryIO, start: int, stop: int | None) -> None:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        first = stream.read(48)
        is_file = first.startswith(FILE_MAGIC)
        start = max(start, HEADER) if is_file else start
        stop = size if stop is None else min(stop, size)
        whole = max(stop - start, 0) // CHUNK * CHUNK
        stream.seek(start + whole)
        tail, lost, end = mended(stream.read(max(stop - start - whole, 0)))
        self._tail = ended(tail)
        self._stream, self._start, self._body = stream, start, HEADER + whole
        self._header = header((whole + len(self._tail)) // CHUNK)
        self._at = 0
        self._chunk, self._number = b"", -1  # the one that was read last
        self.damage: tuple[str, str, int] | None = None
        missing = int.from_bytes(first[42:44], "little") - -(-(size - HEADER) // CHUNK) if is_file else 0
        if lost:
            self.damage = f"byte {start + whole + end}", "the file ends in the middle of a chunk", lost
        elif is_file and stop == size and (missing > 0 or size < HEADER):
            self.damage = (
                f"byte {size}",
                "the file ends before the chunks that its header announces",
                max(missing, 1),
            )

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = (0, self._at, self._body + len(self._tail))[whence]
        self._at = max(origin + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._some(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _some(self, count: int) -> bytes:
        if self._at < HEADER:
            return self._header[self._at : self._at + count]
        if self._at < self._body:
            number, within = divmod(self._at - HEADER, CHUNK)
            if number != self._number:
                self._stream.seek(self._start + number * CHUNK)
                self._chunk, self._number = ended(self._stream.read(CHUNK)), number
            return self._chunk[within : within + count]
        return self._tail[self._at - self._body :][:count]


def mended(chunk: bytes) -> tuple[bytes, int, int]:
    """A chunk that is cut, made whole with zeros behind its last complete record; records lost; where they begin.

    Nothing where not even the chunk's header is there.
    """
    if not chunk.startswith(CHUNK_MAGIC) or len(chunk) < _FIRST_RECORD:
        return b"", int(bool(chunk.strip(b"\0"))), 0
    first, last, free = (int.from_bytes(chunk[at : at + n], "little") for at, n in ((8, 8), (16, 8), (48, 4)))
    end, complete = _FIRST_RECORD, 0
    while chunk[end : end + 4] == _RECORD_MAGIC and len(chunk) >= end + 8:
        size = int.from_bytes(chunk[end + 4 : end + 8], "little")
        if size < _LEAST_RECORD or end + size > len(chunk):
            break
        end, complete = end + size, complete + 1
    announced = last - first + 1
    lost = announced - complete if 0 < announced <= _MOST_RECORDS else 1
    return chunk[:end].ljust(CHUNK, b"\0"), 0 if end >= free else max(lost, 1), end


def header(chunks: int) -> bytes:
    """A file header for `chunks` chunks."""
    last = max(0, chunks - 1)
    fields = struct.pack("<8sQQQIHHHH", FILE_MAGIC, 0, last, 1, 128, 1, 3, HEADER, min(chunks, 0xFFFF))
    head = fields.ljust(120, b"\0")
    return (head + struct.pack("<II", 0, zlib.crc32(head))).ljust(HEADER, b"\0")
