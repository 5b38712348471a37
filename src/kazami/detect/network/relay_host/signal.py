"""What one event says of one address."""

from __future__ import annotations

from typing import NamedTuple

#: Kinds of signals; what is of one kind counts once.
KINDS = ("listed", "face", "stack", "distance", "consumer")


class Signal(NamedTuple):
    """`weight` is between 0 and 1: how much it says alone. `time` is in microseconds since 1970; `admin` the administrator's account of a session."""

    tenant: str
    address: str
    kind: str
    weight: float
    words: str
    time: int
    uid: str = ""
    table: str = ""
    evidence: str = ""
    record: int = 0
    host: str = ""
    admin: str = ""


class Row(NamedTuple):
    """Where an event is, as every signal needs it."""

    tenant: str
    time: int
    uid: str
    table: str
    evidence: str
    record: int
    host: str

    def says(self, address: str, kind: str, weight: float, words: str, admin: str = "") -> Signal:
        """A signal of this event."""
        return Signal(
            self.tenant, address, kind, weight, words, self.time, self.uid, self.table, self.evidence, self.record, self.host, admin
        )  # fmt: skip
