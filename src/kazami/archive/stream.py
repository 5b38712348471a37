"""A sequence of byte strings as something to read from, that keeps a failure for when all before it is read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

from kazami.archive.budget import Budget, LimitError

#: Bytes that decoders give at a time, at most.
PIECE = 1 << 20


class Stream:
    """Reads `pieces`. An error of theirs ends the stream and stays in `fault`; nothing before it is lost.

    `inside` is the stream of the container that it comes from. A damage is told once, for the innermost thing
    that it cuts, in the words of the outermost stream that failed.
    """

    def __init__(self, pieces: Iterator[bytes], inside: Stream | None = None) -> None:
        self._pieces = pieces
        self._rest, self._at = b"", 0
        self._inside = inside
        self.fault: Exception | None = None
        self.told = False
        self.position = 0

    def tell_fault(self) -> str:
        """Why this stream ended early, once; "" where it did not, or that was told already."""
        why, stream, told = "", self if self.fault else None, False
        while stream is not None:
            if stream.fault is not None:
                why, told = reason(stream.fault), told or stream.told
                stream.told = True
            stream = stream._inside
        return "" if told else why

    def _next(self) -> bytes:
        try:
            return next((piece for piece in self._pieces if piece), b"")
        except Exception as error:  # noqa: BLE001 - whatever a decoder raises on hostile bytes is said later
            self.fault = error
            self._pieces = iter(())
            return b""

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, fewer only at the end, without taking them."""
        while len(self._rest) - self._at < count and (piece := self._next()):
            self._rest, self._at = self._rest[self._at :] + piece, 0
        return self._rest[self._at : self._at + count]

    def read(self, count: int = PIECE) -> bytes:
        """The next bytes, at least one and at most `count`; empty only at the end."""
        if self._at == len(self._rest):
            self._rest, self._at = self._next(), 0
        piece = (
            self._rest
            if not self._at and len(self._rest) <= count
            else self._rest[self._at : self._at + count]
        )
        self._at += len(piece)
        self.position += len(piece)
        return piece

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read():
            yield piece


def pieces(read: Callable[[int], bytes], size: int = PIECE) -> Iterator[bytes]:
    """What `read(size)` gives until it gives nothing."""
    while piece := read(size):
        yield piece


def paid(content: Iterator[bytes], budget: Budget) -> Iterator[bytes]:
    """`content`, each piece paid for; raises LimitError after the last affordable one."""
    for piece in content:
        yield piece
        budget.pay(len(piece))


#: Faults whose own words are about the program that reads, not about what it reads.
_OWN: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((struct.error,), "ends within one of its fields"),
    ((zlib.error,), "packed data in it cannot be unpacked"),
    ((UnicodeError,), "text in it is not in its encoding"),
    (
        (IndexError, KeyError, AttributeError, TypeError, AssertionError, OverflowError),
        "what it holds does not fit its format",
    ),
)


def reason(fault: BaseException) -> str:
    """A fault in words for people."""
    if isinstance(fault, LimitError):
        return str(fault)
    if isinstance(fault, EOFError):
        return str(fault) or "ends too early"
    words = next((own for kinds, own in _OWN if isinstance(fault, kinds)), str(fault) or "cannot be read")
    name = type(fault).__name__
    return f"{words[:300]} ({type(fault).__module__}.error)" if name == "error" else f"{words[:300]} ({name})"
