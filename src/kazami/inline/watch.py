"""Flows that are looked at: their first bytes in order, what the recognisers and the rules say of them, and the decision.

Pure but for what `tell` does with a proof: bytes in, verdicts out, bounded memory. A flow that shows nothing by the time its heads are full is passed for good.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kazami.detect.network.rat import recognize
from kazami.detect.network.rat.proof import Conversation, Proof
from kazami.detect.network.suricata.alert import Alert
from kazami.detect.network.suricata.tap import RuleTap, Watched, fields
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
    """A connection that was cut, or would have been: why, and whose. A rule whose action is no drop is `told` and changes nothing."""

    proof: Proof
    client: str
    client_port: int
    server: str
    server_port: int
    protocol: str
    dropped: bool
    exempt: str = ""
    told: bool = False

    def fields(self) -> Mapping[str, str]:
        """As the line of a log."""
        said = "alert" if self.told else "dropped" if self.dropped else "would be dropped"
        said = "exempt" if self.exempt else said
        return {
            "verdict": said, "family": self.proof.family, "form": self.proof.form, "confidence": self.proof.confidence,
            "protocol": self.protocol, "client": self.client, "client_port": str(self.client_port), "server": self.server,
            "server_port": str(self.server_port), "where": f"{self.proof.side}, byte {self.proof.offset}",
            "exempt": self.exempt, **{f"proof {name}": value[:500] for name, value in self.proof.fields.items()},
        }  # fmt: skip


class Conversing:
    """One flow: what both sides said first, and what was decided."""

    __slots__ = ("alerts", "decision", "halves", "key", "rules")

    def __init__(self, key: bytes, rules: Watched | None = None) -> None:
        self.key, self.rules = key, rules
        self.alerts = 0  # of the rules, that were looked at
        self.halves = (Half(), Half())
        self.decision = ""


class Watch:
    """Decides of packets. `exempt` says why a conversation with an address is never cut, "" where it may be.

    With `block` what is proven with `least` confidence or more is dropped, and what a rule of `rules` with the action ``drop`` or ``reject``
    is true for; without, it is told and passes. Other rules are told. With rules no flow is passed for good: what they ask for may come late.
    """

    def __init__(
        self,
        tell: Callable[[Cut], None],
        *,
        block: bool,
        exempt: Callable[[str], str],
        least: str = "high",
        rules: RuleTap | None = None,
    ) -> None:
        self._rules = rules
        self._tell, self._block, self._exempt, self._least = tell, block, exempt, sure(least)
        self._flows: dict[bytes, tuple[Conversing, int]] = {}
        self.packets = self.bytes = self.flows = self.dropped = self.forgotten = 0

    def packet(self, data: bytearray, at: int, stop: int, now: int = 0) -> str:
        """What becomes of the IP packet in ``data[at:stop]``, that came at `now` (microseconds)."""
        self.packets += 1
        self.bytes += stop - at
        found = place(data, at, stop)
        if found is None:
            return PASS
        key, protocol, flags, sequence, above, start, end = found
        entry = self._flows.get(key)
        if entry is None or (flags & (SYN | ACK) == SYN and entry[0].decision):
            entry = self._begin(key, flags, now)
        flow, side = entry
        if flow.decision:
            self.dropped += flow.decision == DROP_ALL
            return flow.decision
        if flow.rules is not None and (
            decision := self._ruled(flow, side, bytes(data[at:end]), above - at, now)
        ):
            return decision
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

    def _ruled(self, flow: Conversing, side: int, packet: bytes, above: int, now: int) -> str:
        """What the rules say of a packet, before it goes on; "" where they let it."""
        session = flow.rules
        assert session is not None
        session.take(now, self.packets, side, packet, 0, above, len(packet))
        session.flush(side)  # a stretch is not waited for: this packet is about to pass
        for alert in session.alerts[flow.alerts :]:
            flow.alerts += 1
            if decision := self._alerted(flow, alert):
                return decision
        return ""

    def _alerted(self, flow: Conversing, alert: Alert) -> str:
        rule = alert.rule
        told = {**{name: str(value) for name, value in fields(alert).items()}, "rule": rule.message}
        proof = Proof(
            rule.message, f"rule {rule.sid}", "high", "server" if alert.side else "client", alert.offset, told
        )
        return self._cut(flow, proof, drops=rule.action not in ("alert", "pass"))

    def _begin(self, key: bytes, flags: int, now: int) -> tuple[Conversing, int]:
        if len(self._flows) >= 2 * MOST_FLOWS:
            for old in list(self._flows)[:MOST_FLOWS]:
                del self._flows[old]
            self.forgotten += MOST_FLOWS // 2
        answers = flags & (SYN | ACK) == SYN | ACK
        own = turned(key) if answers else key
        flow = Conversing(own, self._opened(own, now))
        self.flows += 1
        self._flows[own] = (flow, 0)
        self._flows[turned(own)] = (flow, 1)
        return flow, int(answers)

    def _opened(self, key: bytes, now: int) -> Watched | None:
        if self._rules is None:
            return None
        half = (len(key) - 5) // 2
        ports = int.from_bytes(key[-5:-3]), int.from_bytes(key[-3:-1])
        return self._rules.open(key[-1], (key[:half], key[half : 2 * half]), ports, now)

    def _settled(self, flow: Conversing) -> str:
        if self._rules is not None:
            return PASS
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
        return self._cut(flow, max(proofs, key=lambda one: sure(one.confidence)))

    def _cut(self, flow: Conversing, proof: Proof, *, drops: bool = True) -> str:
        """Tell it, and decide of the flow where it is one to be dropped; "" where it goes on being looked at."""
        (client, server), key = _addresses(flow.key), flow.key
        exempt = self._exempt(server) or self._exempt(client)
        cut = self._block and drops and not exempt
        port, other = int.from_bytes(key[-5:-3]), int.from_bytes(key[-3:-1])
        self._tell(Cut(proof, client, port, server, other, _NAMES[key[-1]], cut, exempt, told=not drops))
        if not drops:
            return ""
        flow.decision = DROP_ALL if cut else PASS_ALL
        self.dropped += cut
        return flow.decision


def _addresses(key: bytes) -> tuple[str, str]:
    half = (len(key) - 5) // 2
    family = socket.AF_INET if half == 4 else socket.AF_INET6
    return socket.inet_ntop(family, key[:half]), socket.inet_ntop(family, key[half : 2 * half])
