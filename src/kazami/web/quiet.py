"""A scan that nobody watches."""

from __future__ import annotations


class Quiet:
    """Sees a scan go on, and says nothing."""

    def begin(self, files: int, size: int) -> None:
        """Nothing."""

    def advance(self, size: int, events: int, findings: int, name: str) -> None:
        """Nothing."""

    def tick(self) -> None:
        """Nothing."""
