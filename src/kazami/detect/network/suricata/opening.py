"""Connections that wait: their packets are kept as they came, and looked at when the connection is over, or when what comes cannot wait.

Most conversations on a network were seen before. Of what waits a fingerprint is made of all that rules can tell of it; where it is known,
what came of it is known, and nothing is searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from kazami.detect.network.suricata.packet import ACK, RST, SYN

if TYPE_CHECKING:
    from kazami.detect.network.suricata.rule import Rule


class Opening(NamedTuple):
    """The packets with which a conversation begins, in their order, each from its IP header on; `above` says where the header above IP begins
    in each, `sides` is a byte each."""

    times: list[int]
    numbers: list[int]
    above: list[int]
    sides: bytes
    packets: list[bytes]


class Found(NamedTuple):
    """A rule that was true for all bytes of a conversation, as the evaluation told it. `packet` counts from 0 in the conversation; `when` is the
    packet that was taken then, or how many there are where it was told at the end."""

    application: str
    rule: Rule
    side: int
    packet: int
    buffer: str
    offset: int
    proof: bytes
    when: int


class Call(NamedTuple):
    """The same with the time and number of the packet, and how many had been taken."""

    application: str
    rule: Rule
    side: int
    place: tuple[int, int]
    buffer: str
    offset: int
    proof: bytes
    taken: int


def is_calm(sides: bytes, flags: bytes, loaded: bytes) -> bool:
    """Whether nothing has to be looked at before the end: no payload at all; or a handshake of three, or none, and no payload outside of it.

    That is so where flows are taken in their middle and one-sided ones are as well (`inspector.Options`).
    """
    if 1 not in loaded:
        return True
    first = 0
    if flags[0] & SYN:
        if len(flags) < 2 or sides[:2] != b"\0\1" or loaded[0] or loaded[1]:
            return False
        if flags[0] & (ACK | RST) or flags[1] & (SYN | ACK | RST) != SYN | ACK:
            return False
        first = 2
    elif flags[0] & (ACK | RST) != ACK:
        return False
    return not any(
        flag & SYN or (load and (flag & RST or not flag & ACK))
        for flag, load in zip(flags[first:], loaded[first:], strict=True)
    )


def fingerprint(*what: bytes) -> int:
    """A conversation that waits as a number: its kind of flow, its packets' directions, flags and sizes (and places, where they do not follow each
    other), and what both sides said.

    Python's hashes of bytes are keyed (SipHash), so that nobody can make two conversations meet on purpose; and they stay with the bytes, of
    which reading asks them too.
    """
    return hash(what)


def kept(calls: Sequence[Call], before: int, numbers: Sequence[int]) -> tuple[Found, ...] | None:
    """What a conversation came to, for one that is equal; None where that also depends on other flows, or takes back what was told. `numbers` are those of its packets,
    `before` how many calls came before its end."""
    places = {number: packet for packet, number in enumerate(numbers)}
    found = []
    for n, call in enumerate(calls):
        free = call.rule.action != "pass" and all(bit.scope == "flow" for bit in call.rule.bits)
        if not free or call.place[1] not in places:
            return None
        when = call.taken - 1 if n < before else len(numbers)
        found.append(Found(*call[:3], places[call.place[1]], *call[4:7], when))
    return tuple(found)
