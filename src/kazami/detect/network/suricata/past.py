"""What was looked at before, and what came of it: so that the same is not searched again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazami.detect.network.suricata.opening import Found, is_calm

if TYPE_CHECKING:
    from kazami.detect.network.suricata.state import State

#: Fingerprints of conversations that are kept, payloads of single packets, and courses of connections.
MAX_QUIET, MAX_SILENT, MAX_CALM = 100_000, 20_000, 20_000


class Past:
    """Bounded; what is full is emptied."""

    def __init__(self) -> None:
        self.quiet: set[bytes] = set()  # fingerprints of conversations in which nothing was found
        self.silent: set[tuple[State, int, bytes]] = (
            set()
        )  # payloads of one packet in which nothing was found
        self.known: dict[int, tuple[Found, ...]] = {}  # what came of conversations that waited
        self.held = 0  # bytes of flows longer than a stretch that wait because they are known
        self._calm: dict[tuple[bytes, ...], bool] = {}

    def keep_quiet(self, seen: bytes) -> None:
        """A conversation in which nothing was found."""
        if len(self.quiet) >= MAX_QUIET:
            self.quiet.clear()
        self.quiet.add(seen)

    def keep_silent(self, seen: tuple[State, int, bytes]) -> None:
        """A payload, in one direction of flows of a kind, in which nothing was found."""
        if len(self.silent) >= MAX_SILENT:
            self.silent.clear()
        self.silent.add(seen)

    def keep_known(self, seen: int, found: tuple[Found, ...]) -> None:
        """What came of a conversation that waited."""
        if len(self.known) >= MAX_QUIET:
            self.known.clear()
        self.known[seen] = found

    def calm(self, *key: bytes) -> bool:
        """`is_calm`; connections of one course share the answer."""
        found = self._calm.get(key)
        if found is None:
            if len(self._calm) >= MAX_CALM:
                self._calm.clear()
            found = self._calm[key] = is_calm(*key)
        return found
