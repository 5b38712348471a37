"""Reading numbers and stretches from bytes that may end at any point."""

from __future__ import annotations

import struct


class Short(Exception):  # noqa: N818 - no error, but the end of what was captured
    """The bytes end before what they announce."""


class Cursor:
    """A place in bytes that moves on; raises `Short` beyond the end."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data, self.at = data, at
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Bytes up to the end."""
        return self.end - self.at

    def number(self, size: int) -> int:
        """A number of `size` bytes, the most significant first."""
        at = self.at
        self.at = stop = at + size
        if stop > self.end:
            self.at = at
            raise Short
        return int.from_bytes(self.data[at:stop])

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > self.end - self.at:
            raise Short
        data = self.data[self.at : self.at + size]
        self.at += size
        return data

    def part(self, size: int) -> Cursor:
        """A cursor over the next `size` bytes, which are passed."""
        if size > self.end - self.at:
            raise Short
        inner = Cursor(self.data, self.at, self.at + size)
        self.at += size
        return inner

    def vector(self, size: int) -> Cursor:
        """A cursor over what a length of `size` bytes announces."""
        return self.part(self.number(size))

    def numbers(self, size: int) -> list[int]:
        """All that is left, as numbers of `size` bytes."""
        data = self.take(self.left // size * size)
        if size == 1:
            return list(data)
        if size == 2:
            return list(struct.unpack(f">{len(data) // 2}H", data))
        return [int.from_bytes(data[at : at + size]) for at in range(0, len(data), size)]
