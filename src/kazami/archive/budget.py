"""What unpacking may cost: one account for each file that was handed over, however deep its containers go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one file handed over, all containers inside it together.

    `unpacked` and `in_memory` are bytes; `ratio` is unpacked to packed bytes and is looked at once more than
    `ratio_from` bytes are unpacked; a member above `in_memory` bytes goes to a temporary file in `folder`.
    """

    depth: int = 8
    members: int = 200_000
    unpacked: int = 64 << 30
    ratio: int = 1000
    ratio_from: int = 256 << 20
    in_memory: int = 32 << 20
    folder: str | None = None


class LimitError(Exception):
    """The account is empty; the message says which limit was reached."""


class Budget:
    """What is left of `Limits` for one file of `packed` bytes. Once spent, every further use raises."""

    def __init__(self, packed: int, limits: Limits) -> None:
        self.limits = limits
        self.bytes = self.members = 0
        self._most = min(limits.unpacked, max(limits.ratio_from, limits.ratio * packed))

    @property
    def spent(self) -> bool:
        """Whether a limit was reached."""
        return self.bytes > self._most or self.members > self.limits.members

    def pay(self, count: int) -> None:
        """Account for `count` unpacked bytes; raises LimitError."""
        self.bytes += count
        if self.bytes > self._most:
            raise LimitError(self.reason())

    def count(self) -> None:
        """Account for one more member; raises LimitError."""
        self.members += 1
        if self.members > self.limits.members:
            raise LimitError(self.reason())

    def reason(self) -> str:
        """Which limit was reached, for people."""
        if self.members > self.limits.members:
            return f"unpacking stopped: more than {self.limits.members:,} members"
        if self._most == self.limits.unpacked:
            return f"unpacking stopped: more than {self._most:,} bytes unpacked"
        return (
            f"unpacking stopped: more than {self._most:,} bytes unpacked, which no log needs (archive bomb?)"
        )
