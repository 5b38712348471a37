"""Flows that are looked at: their first bytes in order, what the recognisers say of them, and the decision.

Pure but for what `tell` does with a proof: bytes in, verdicts out, bounded memory. A flow that shows nothing by the time its heads are full is passed for good.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kazami.detect.network.rat import recognize
from kazami.detect.network.rat.proof import Conversation, Proof
from kazami.inline.packet import ACK, SYN, TCP, place, turned
from kazami.model.block import sure
from kazami.sources.network.capture.flow import Half

#: What becomes of a packet: it passes, it and all that follow pass, it and all that follow are dropped.
PASS, PASS_ALL, DROP_ALL = "pass", "pass all", "drop all"

#: Flows that are held at once; then those that began first are forgotten, and pass.
MOST_FLOWS = 50_000

_NAMES = {6: "tcp", 17: "udp"}


@dataclass(frozen=True, slots=True)
class Cut:
    """A connection that was cut, or would have been: why, and whose."""

    proof: Proof
    client: str
    client_port: int
    server: str
    server_port: int
    protocol: str
    dropped: bool
    exempt: str = ""

    def fields(self) -> Mapping[str, str]:
        """As the line of a log."""
        said = "exempt" if self.exempt else "dropped" if self.dropped else "would be dropped"
        return {
            "verdict": said, "family": self.proof.family, "form": self.proof.form, "confidence": self.proof.confidence,
            "protocol": self.protocol, "client": self.client, "client_port": str(self.client_port), "server": self.server,
            "server_port": str(self.server_port), "where": f"{self.proof.side}, byte {self.proof.offset}",
            "exempt": self.exempt, **{f"proof {name}": value[:500] for name, value in self.proof.fields.items()},
        }  # fmt: skip


class Conversing:
    """One flow: what both sides said first, and what was decided."""

    __slots__ = ("decision", "halves", "key")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.halves = (Half(), Half())
        self.decision = ""


class Watch:
    """Decides of packets. `exempt` says why a conversation with an address is never cut, "" where it may be.

    With `block` what is proven with `least` confidence or more is dropped; without, it is told and passes.
    """

    def __init__(
        self, tell: Callable[[Cut], None], *, block: bool, exempt: Callable[[str], str], least: str = "high"
    ) -> None:
        self._tell, self._block, self._exempt, self._least = tell, block, exempt, sure(least)
        self._flows: dict[bytes, tuple[Conversing, int]] = {}
        self.packets = self.bytes = self.flows = self.dropped = self.forgotten = 0

    def packet(self, data: bytearray, at: int, stop: int) -> str:
        """What becomes of the IP packet in ``data[at:stop]``."""
        self.packets += 1
        self.bytes += stop - at
        found = place(data, at, stop)
        if found is None:
            return PASS
        key, protocol, flags, sequence, start, end = found
        entry = self._flows.get(key)
        if entry is None or (flags & (SYN | ACK) == SYN and entry[0].decision):
            entry = self._begin(key, flags)
        flow, side = entry
        if flow.decision:
            self.dropped += flow.decision == DROP_ALL
            return flow.decision
        half = flow.halves[side]
        if flags & SYN:
            half.next = (sequence + 1) & 0xFFFFFFFF
            return PASS
        if end <= start:
            return PASS
        before = len(half.head)
        if protocol == TCP:
            half.segment(sequence, bytes(data[start:end]))
        elif not half.full:
            half.take(bytes(data[start:end]))
        return self._judge(flow, protocol) if len(half.head) > before else self._settled(flow)

    def _begin(self, key: bytes, flags: int) -> tuple[Conversing, int]:
        if len(self._flows) >= 2 * MOST_FLOWS:
            for old in list(self._flows)[:MOST_FLOWS]:
                del self._flows[old]
            self.forgotten += MOST_FLOWS // 2
        answers = flags & (SYN | ACK) == SYN | ACK
        own = turned(key) if answers else key
        flow = Conversing(own)
        self.flows += 1
        self._flows[own] = (flow, 0)
        self._flows[turned(own)] = (flow, 1)
        return flow, int(answers)

    def _settled(self, flow: Conversing) -> str:
        if flow.halves[0].full and flow.halves[1].full:
            flow.decision = PASS_ALL
            return PASS_ALL
        return PASS

    def _judge(self, flow: Conversing, protocol: int) -> str:
        near, far = flow.halves
        port = int.from_bytes(flow.key[-3:-1])
        said = Conversation(
            bytes(near.head), bytes(far.head), _NAMES[protocol], port, tuple(near.sizes), tuple(far.sizes)
        )
        proofs = [one for one in recognize(said) if sure(one.confidence) >= self._least]
        if not proofs:
            return self._settled(flow)
        proof = max(proofs, key=lambda one: sure(one.confidence))
        client, server = _addresses(flow.key)
        exempt = self._exempt(server) or self._exempt(client)
        cut = self._block and not exempt
        flow.decision = DROP_ALL if cut else PASS_ALL
        self.dropped += cut
        self._tell(
            Cut(proof, client, int.from_bytes(flow.key[-5:-3]), server, port, said.protocol, cut, exempt)
        )
        return flow.decision


def _addresses(key: bytes) -> tuple[str, str]:
    half = (len(key) - 5) // 2
    family = socket.AF_INET if half == 4 else socket.AF_INET6
    return socket.inet_ntop(family, key[:half]), socket.inet_ntop(family, key[half : 2 * half])
