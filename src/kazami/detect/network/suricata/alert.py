"""What a rule that is true says: which bytes, in which buffer, at which place, in which packet."""

from __future__ import annotations

from typing import NamedTuple

from kazami.detect.network.suricata.rule import Rule

#: Bytes of proof that an alert repeats.
MOST = 256


class Alert(NamedTuple):
    """`time` and `number` are those of the packet that carried the proof; `side` is 0 from client to server.

    `buffer` and `offset` say where `proof` begins; for a stream the offset is counted from its start.
    """

    rule: Rule
    time: int
    number: int
    side: int
    addresses: tuple[bytes, bytes]
    ports: tuple[int, int]
    protocol: int
    application: str
    buffer: str
    offset: int
    proof: bytes

    @property
    def source(self) -> tuple[bytes, int]:
        """Address and port that the matched bytes came from."""
        return self.addresses[self.side], self.ports[self.side]

    @property
    def target(self) -> tuple[bytes, int]:
        """Address and port that they went to."""
        return self.addresses[1 - self.side], self.ports[1 - self.side]
