"""A packet as the rules see it: bytes, and where its headers begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kazami.detect.network.suricata.session import Session

TCP, UDP, ICMP, ICMP6, SCTP = 6, 17, 1, 58, 132
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


class Packet(NamedTuple):
    """`ip` and `at` are where the IP header and the one above it begin (`ip` -1 where it is not at hand, as in a fragment put
    together); the payload is `data[start:stop]`. `side` is 0 from client to server, `number` counts from 1 in its capture."""

    time: int
    number: int
    side: int
    protocol: int
    data: bytes
    ip: int
    at: int
    start: int
    stop: int
    session: Session

    @property
    def payload(self) -> bytes:
        """What it carries."""
        return self.data[self.start : self.stop]

    @property
    def version(self) -> int:
        """4 or 6, 0 where its IP header is not at hand."""
        return self.data[self.ip] >> 4 if self.ip >= 0 else 0

    def word(self, at: int, size: int = 2) -> int:
        """A number in the header above IP; -1 where that is cut."""
        place = self.at + at
        return int.from_bytes(self.data[place : place + size]) if place + size <= self.stop else -1

    @property
    def flags(self) -> int:
        """TCP's flags with the two of ECN."""
        return max(0, self.word(13, 1)) if self.protocol == TCP else 0


def options(packet: Packet) -> frozenset[int]:
    """Kinds of options in an IPv4 header."""
    if packet.version != 4:
        return frozenset()
    at, end = packet.ip + 20, packet.ip + (packet.data[packet.ip] & 15) * 4
    found: set[int] = set()
    while at < min(end, packet.stop):
        kind = packet.data[at]
        found.add(kind)
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        size = packet.data[at + 1] if at + 1 < end else 0
        if size < 2:
            break
        at += size
    return frozenset(found)


def header(packet: Packet, name: str) -> bytes | None:
    """The bytes of a header, by the name of its buffer; None where this packet has none."""
    data, start = packet.data, packet.at
    if name == "tcp.hdr" and packet.protocol == TCP and start + 20 <= packet.stop:
        return data[start : min(packet.stop, start + max(20, (data[start + 12] >> 4) * 4))]
    if name == "udp.hdr" and packet.protocol == UDP:
        return data[start : start + 8]
    if name == "icmpv4.hdr" and packet.protocol == ICMP:
        return data[start : start + 8]
    if name == "icmpv6.hdr" and packet.protocol == ICMP6:
        return data[start : start + 8]
    if name == "ipv4.hdr" and packet.version == 4:
        return data[packet.ip : packet.ip + (data[packet.ip] & 15) * 4]
    if name == "ipv6.hdr" and packet.version == 6:
        return data[packet.ip : packet.ip + 40]
    return None


def tcp_option(packet: Packet, kind: int, size: int) -> int | None:
    """The number in an option of TCP, None where it is not there."""
    end = packet.at + (max(0, packet.word(12, 1)) >> 4) * 4
    at, stop = packet.at + 20, min(end, packet.stop)
    while packet.protocol == TCP and at + 1 < stop and packet.data[at]:
        if packet.data[at] == 1:
            at += 1
            continue
        if packet.data[at] == kind:
            return int.from_bytes(packet.data[at + 2 : at + 2 + size]) if at + 2 + size <= stop else None
        at += max(2, packet.data[at + 1])
    return None


def checked(packet: Packet, protocol: int) -> bytes | None:
    """What a checksum is about, with the checksum itself: the IP header (`protocol` 0), or pseudo header and what is above IP.

    None where that is not at hand, or no checksum was made (UDP).
    """
    data, side, session = packet.data, packet.side, packet.session
    if not protocol:
        return data[packet.ip : packet.ip + (data[packet.ip] & 15) * 4]
    place = packet.ip + (2 if packet.version == 4 else 4)
    whole = packet.ip + int.from_bytes(data[place : place + 2]) + (0 if packet.version == 4 else 40)
    body = data[packet.at : whole]
    if whole > len(data) or len(body) < 8 or (protocol == UDP and body[6:8] == b"\0\0"):
        return None
    if protocol == ICMP:
        return body
    ends = session.addresses[side] + session.addresses[1 - side]
    return ends + len(body).to_bytes(4) + protocol.to_bytes(4) + body


def sum_of(data: bytes) -> int:
    """The sum of 16-bit words with carries around (RFC 1071): 0xFFFF where a checksum in them is right."""
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0")) for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
