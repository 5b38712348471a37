"""Where one JSON value ends and the next begins: lines here, everything else in `json_values`.

Everything is read once and in bounded memory: never more than one value of at most `MAX_VALUE` and a block of the
file. What is broken is rejected by its place, and reading goes on behind it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeAlias

import orjson

#: Bytes (lines) or characters (values) of one record.
MAX_VALUE = 16 << 20

#: Bytes that are read at a time.
BLOCK = 1 << 20

#: What may stand between values; the record separator of RFC 7464 and padding with NUL among it.
SEPARATORS = " \t\r\n,\0\x1e\ufeff"

#: What evtx_dump writes before each record.
HEADING = re.compile(r"Record \d{1,20}\r?\n(?=\s*\{)")

#: Called with place, reason, records lost, sample.
Reject: TypeAlias = Callable[[str, str, int, "str | bytes"], None]


class Readable(Protocol):
    """As much of a stream as is needed."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes (of UTF-8); none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """Texts of JSON values, their numbers (of the line, or of the value, from 1), and bytes read for them."""

    texts: list[str]
    numbers: Sequence[int]
    size: int


def in_utf8(stream: BinaryIO) -> Readable:
    """`stream` without byte order mark, as UTF-8 if it was UTF-16 (told by its mark or its NUL bytes)."""
    head = stream.read(4)
    if head.startswith(codecs.BOM_UTF8):
        return Prefixed(head[3:], stream)
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16-le" if head[:2] == codecs.BOM_UTF16_LE else "utf-16-be"
        return Recoded(Prefixed(head[2:], stream), encoding)
    if len(head) == 4 and head[1] == 0 == head[3] and head[0]:
        return Recoded(Prefixed(head, stream), "utf-16-le")
    if len(head) == 4 and head[0] == 0 == head[2] and head[1]:
        return Recoded(Prefixed(head, stream), "utf-16-be")
    return Prefixed(head, stream)


class Prefixed:
    """A stream with bytes put back before it."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, and what was put back."""
        head, self._head = self._head, b""
        return head + self._stream.read(size)


class Recoded:
    """Another encoding as UTF-8; what it cannot mean becomes U+FFFD."""

    def __init__(self, stream: Readable, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read(self, size: int, /) -> bytes:
        while data := self._stream.read(size):
            if text := self._decoder.decode(data):
                return text.encode()
        return self._decoder.decode(b"", True).encode()


def first_lines(source: Readable) -> bytes:
    """The start of `source`: a block at least, and up to the end of the first line if that is bounded."""
    head = bytearray(source.read(BLOCK))
    while b"\n" not in head and len(head) <= MAX_VALUE and (more := source.read(BLOCK)):
        head += more
    return bytes(head)


def looks_like_lines(head: bytes) -> bool:
    """Whether one of the first two lines that are not blank is a whole JSON object, and no array is begun."""
    lines = [line for line in head.split(b"\n", 20)[:20] if line.strip(SEPARATORS.encode())]
    if HEADING.match(head[:200].decode("utf-8", "replace")):
        return False
    if lines and lines[0].lstrip(SEPARATORS.encode()).startswith(b"["):
        return False
    return any(_is_object(line) for line in lines[:2])


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line.strip(SEPARATORS.encode())), dict)
    except orjson.JSONDecodeError:
        return False


def line_blocks(source: Readable, head: bytes, reject: Reject) -> Iterator[Block]:
    """The lines of `head` and then of `source`, blank ones too."""
    number, offset, rest, read = 1, 0, bytearray(head), len(head)
    while True:
        cut = rest.rfind(b"\n")
        if cut >= 0:
            texts = _texts(bytes(rest[:cut]), number, reject)
            yield Block(texts, range(number, number + len(texts)), read)
            number, offset, read = number + len(texts), offset + cut + 1, 0
            del rest[: cut + 1]
        if len(rest) > MAX_VALUE:
            reason = f"longer than {MAX_VALUE >> 20} MiB"
            reject(f"line {number}, byte {offset}", reason, 1, bytes(rest[:200]))
            rest, size, more = _skip_line(source, rest)
            number, offset, read = number + 1, offset + size, read + more
        piece = source.read(BLOCK)
        if not piece:
            break
        read += len(piece)
        rest += piece
    if rest or read:
        texts = _texts(bytes(rest), number, reject)
        yield Block(texts, range(number, number + len(texts)), read)


def _skip_line(source: Readable, begun: bytearray) -> tuple[bytearray, int, int]:
    """Read to the end of a line that has `begun`: what follows it, the size of the line, bytes read."""
    size, read = len(begun), 0
    while piece := source.read(BLOCK):
        read += len(piece)
        cut = piece.find(b"\n")
        if cut >= 0:
            return bytearray(piece[cut + 1 :]), size + cut + 1, read
        size += len(piece)
    return bytearray(), size, read


def _texts(block: bytes, number: int, reject: Reject) -> list[str]:
    try:
        return block.decode().split("\n")
    except UnicodeDecodeError:
        return [_text(line, at, reject) for at, line in enumerate(block.split(b"\n"), number)]


def _text(line: bytes, number: int, reject: Reject) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        reject(f"line {number}", "invalid UTF-8, read with U+FFFD in its place", 0, line[error.start :][:40])
        return line.decode("utf-8", "replace")
