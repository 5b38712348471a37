"""One direction of TCP while it is looked at: packets that wait, and which of them carried which byte."""

from __future__ import annotations

from array import array
from hashlib import blake2b

_WORD = 0xFFFFFFFF

#: Time, number, bytes from the IP header on; where in them the IP header, the one above it, and the payload begin.
Frame = tuple[int, int, bytes, int, int, int]


class Half:
    """One direction of TCP."""

    __slots__ = (
        "copies",
        "dropped",
        "first",
        "frames",
        "gap",
        "matched",
        "next",
        "rules",
        "size",
        "start",
        "tail",
        "waiting",
        "waits",
    )

    def __init__(self) -> None:
        self.next = self.start = -1
        self.frames: list[Frame] = []
        self.size = 0  # bytes of the frames that wait to be looked at
        self.first = 0  # offset of the first of them in the stream
        self.tail = b""
        self.waiting: dict[int, Frame] | None = None
        self.waits = 0
        self.gap = self.dropped = False
        self.copies = 0
        self.matched: set[int] | None = None

    def extent(self) -> int:
        """Bytes that were sent so far, as sequence numbers tell."""
        return (self.next - self.start) & _WORD if self.start >= 0 else 0


class Marks:
    """Which packet carried which byte of a stretch; reckoned only when it is asked for."""

    __slots__ = ("_first", "_frames", "_last")

    def __init__(self, frames: list[Frame], first: int, last: tuple[int, int]) -> None:
        self._frames, self._first, self._last = frames, first, last

    def locate(self, offset: int) -> tuple[int, int]:
        """Time and number of that packet."""
        at = self._first
        for time, number, data, _, _, start in self._frames:
            at += len(data) - start
            if offset < at:
                return time, number
        return self._last


def joined(frames: list[Frame]) -> bytes:
    """The payloads of some packets."""
    if len(frames) == 1:
        return frames[0][2][frames[0][5] :]
    return b"".join([frame[2][frame[5] :] for frame in frames])


def cut(frame: Frame, fresh: int) -> Frame:
    """A packet with the last `fresh` bytes of its payload alone."""
    time, number, data, ip, at, _ = frame
    return time, number, data, ip, at, len(data) - fresh


def fingerprint(what: tuple[object, ...], halves: tuple[Half, Half]) -> bytes:
    """A conversation that waits to be looked at, in 16 bytes: `what` rules can tell of it, the sizes of its packets, and all that was said."""
    sizes = array("q", [len(frame[2]) - frame[5] for half in halves for frame in half.frames])
    digest = blake2b(repr(what).encode(), digest_size=16)
    digest.update(sizes)
    for half in halves:
        if half.frames:
            digest.update(joined(half.frames))
    return digest.digest()
