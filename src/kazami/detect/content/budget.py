"""What one submission may cost, however deep it goes."""

from __future__ import annotations

import time

from kazami.model.content import Artifact, Child, Gap, Limits


class Budget:
    """What is left of `Limits` for a file of `size` bytes. A child that cannot be afforded is named in a gap."""

    def __init__(self, size: int, limits: Limits) -> None:
        self.limits = limits
        self._most = min(limits.total, max(limits.ratio_from, limits.ratio * size))
        self._bytes = self._children = 0
        self._until = time.monotonic() + limits.submission_seconds
        self._refused: dict[str, int] = {}

    @property
    def left(self) -> float:
        """Seconds."""
        return self._until - time.monotonic()

    def take(self, child: Child, parent: Artifact) -> bool:
        """Whether `child` can be afforded; it is then paid for."""
        reason = self._reason(child, parent.depth + 1)
        if reason:
            self._refused[reason] = self._refused.get(reason, 0) + 1
            return False
        self._bytes += len(child.data)
        self._children += 1
        return True

    def _reason(self, child: Child, depth: int) -> str:
        if depth > self.limits.depth:
            return f"deeper than {self.limits.depth} containers in each other"
        if self._children >= self.limits.children:
            return f"more than {self.limits.children:,} things inside"
        if self._bytes + len(child.data) > self._most:
            return f"more than {self._most:,} bytes come out of it"
        return ""

    def gaps(self) -> tuple[Gap, ...]:
        """What was not afforded."""
        return tuple(
            Gap("limit", f"{reason}; {count:,} not looked at") for reason, count in self._refused.items()
        )
