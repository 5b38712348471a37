"""Keywords about one packet: fields of the headers of IP, TCP, UDP, ICMP."""

from __future__ import annotations

import re
from dataclasses import replace

from kazami.detect.network.suricata import number
from kazami.detect.network.suricata.builder import Builder
from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.keywords.payload import Handler
from kazami.detect.network.suricata.packet import (
    ICMP,
    ICMP6,
    TCP,
    UDP,
    Packet,
    checked,
    options,
    sum_of,
    tcp_option,
)
from kazami.detect.network.suricata.rule import PacketTest
from kazami.detect.network.suricata.steps import Test

_FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128, "2": 64, "1": 128}
_OPTIONS = {
    "rr": 7,
    "lsrr": 131,
    "eol": 0,
    "nop": 1,
    "ts": 68,
    "sec": 130,
    "esec": 133,
    "ssrr": 137,
    "satid": 136,
    "cipso": 134,
}
_FIELD = re.compile(r"([+*!-]?)\s*([A-Za-z0-9]*)\s*([+*!-]?)\s*(?:,\s*([A-Za-z0-9]*))?")
_WHOLE = "fragments are put together before they are looked at"
_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmp6": 58, "ipv6-icmp": 58, "sctp": 132,
              "ipv6": 41, "igmp": 2, "ipip": 4}  # fmt: skip


def _take(builder: Builder, test: PacketTest) -> None:
    builder.tests.append(test)
    builder.rule.needs_packet = True


def _ttl(packet: Packet) -> int:
    place = 8 if packet.version == 4 else 7
    return packet.data[packet.ip + place] if packet.ip >= 0 else -1


def _tos(packet: Packet) -> int:
    return packet.data[packet.ip + 1] if packet.version == 4 else -1


def _ip_id(packet: Packet) -> int:
    return int.from_bytes(packet.data[packet.ip + 4 : packet.ip + 6]) if packet.version == 4 else -1


def _icmp(at: int, size: int, kinds: frozenset[int]) -> object:
    def read(packet: Packet) -> int:
        if packet.protocol not in (ICMP, ICMP6):
            return -1
        return packet.word(at, size) if not kinds or packet.word(0, 1) in kinds else -1

    return read


def _tcp(at: int, size: int) -> object:
    return lambda packet: packet.word(at, size) if packet.protocol == TCP else -1


def _mtu(packet: Packet) -> int:
    """What "packet too big" says that is not."""
    return packet.word(4, 4) if packet.protocol == ICMP6 and packet.word(0, 1) == 2 else -1


_ECHO = frozenset((0, 8, 13, 14, 15, 16, 17, 18, 128, 129))
_READ = {
    "ttl": _ttl, "tos": _tos, "id": _ip_id,
    "itype": _icmp(0, 1, frozenset()), "icode": _icmp(1, 1, frozenset()),
    "icmp_id": _icmp(4, 2, _ECHO), "icmp_seq": _icmp(6, 2, _ECHO),
    "seq": _tcp(4, 4), "ack": _tcp(8, 4), "tcp.ack": _tcp(8, 4), "tcp.seq": _tcp(4, 4),
    "window": _tcp(14, 2), "tcp.window": _tcp(14, 2), "icmpv6.mtu": _mtu,
}  # fmt: skip


def _compared(name: str) -> Handler:
    read = _READ[name]

    def handle(builder: Builder, value: str) -> None:
        test: Test = number.comparison(value)

        def holds(packet: Packet) -> bool:
            found = read(packet)  # type: ignore[operator]
            return found >= 0 and test.holds(found)

        _take(builder, holds)

    return handle


def _ip_proto(builder: Builder, value: str) -> None:
    test = number.comparison(value, _PROTOCOLS)
    builder.tests.append(lambda packet: test.holds(packet.protocol))
    builder.settled += 1
    head = builder.rule.header
    meant = frozenset(one for one in head.transports or range(256) if test.holds(one))
    if meant:  # an empty set would mean all; with it flows of others are not asked packet by packet
        builder.rule.header = replace(head, transports=meant)


def _sameip(builder: Builder, value: str) -> None:
    _take(builder, lambda packet: packet.session.addresses[0] == packet.session.addresses[1])


def _flags(builder: Builder, value: str) -> None:
    found = _FIELD.fullmatch(value.strip())
    if found is None or not found[2]:
        raise RuleError(f"flags: {value[:40]!r}")
    modifier, letters, ignored = found[1] or found[3], found[2].upper(), (found[4] or "").upper()
    if bad := [letter for letter in letters + ignored if letter not in _FLAGS and letter != "0"]:
        raise RuleError(f"flags: {bad[0]!r}")
    wanted = sum(_FLAGS.get(letter, 0) for letter in set(letters))
    mask = 0xFF & ~sum(_FLAGS.get(letter, 0) for letter in set(ignored))

    def holds(packet: Packet) -> bool:
        if packet.protocol != TCP or packet.at + 14 > packet.stop:
            return False
        seen = packet.flags & mask
        if not wanted and packet.flags:
            return modifier in ("!", "-")
        if modifier == "+":
            return seen & wanted == wanted
        if modifier == "*":
            return bool(seen & wanted)
        if modifier in ("!", "-"):
            return seen & wanted != wanted
        return seen == wanted

    _take(builder, holds)


def _ipopts(builder: Builder, value: str) -> None:
    name = value.strip().lower()
    if name != "any" and name not in _OPTIONS:
        raise RuleError(f"ipopts: {value[:40]!r}")
    wanted = _OPTIONS.get(name)

    def holds(packet: Packet) -> bool:
        found = options(packet)
        return bool(found) if wanted is None else wanted in found

    _take(builder, holds)


def _fragbits(builder: Builder, value: str) -> None:
    found = re.fullmatch(r"([+*!]?)\s*([MDR]+)\s*([+*!]?)", value.strip().upper())
    if found is None:
        raise RuleError(f"fragbits: {value[:40]!r}")
    modifier = found[1] or found[3]
    wanted = sum({"M": 0x20, "D": 0x40, "R": 0x80}[letter] for letter in set(found[2]))
    if wanted & 0x20 and modifier != "!" and (modifier != "*" or wanted == 0x20):
        raise UnsupportedError("fragbits", _WHOLE)

    def holds(packet: Packet) -> bool:
        if packet.version != 4:
            return False
        seen = packet.data[packet.ip + 6] & 0xE0
        if modifier == "+":
            return seen & wanted == wanted and seen > wanted  # and others, not: or more
        if modifier == "*":
            return bool(seen & wanted)
        return (seen & wanted != wanted) if modifier == "!" else seen == wanted

    _take(builder, holds)


def _fragoffset(builder: Builder, value: str) -> None:
    test = number.comparison(value)
    if not test.holds(0):
        raise UnsupportedError("fragoffset", _WHOLE)

    def holds(packet: Packet) -> bool:
        where = packet.ip + 6
        return packet.version == 4 and test.holds(int.from_bytes(packet.data[where : where + 2]) & 0x1FFF)

    _take(builder, holds)


def _checksum(protocol: int, version: int) -> Handler:
    """Whether a checksum is right; 0 stands for the IP header's own. What is cut or was put together is not asked."""

    def handle(builder: Builder, value: str) -> None:
        word = value.strip().strip('"').lower()
        if word not in ("valid", "invalid"):
            raise RuleError(f"a checksum is valid or invalid, not {value[:40]!r}")

        def holds(packet: Packet) -> bool:
            if packet.version != version or (protocol and packet.protocol != protocol):
                return False
            summed = checked(packet, protocol)
            return summed is not None and (sum_of(summed) == 0xFFFF) == (word == "valid")

        _take(builder, holds)

    return handle


def _option(kind: int, size: int) -> Handler:
    """A number in an option of TCP."""

    def handle(builder: Builder, value: str) -> None:
        test = number.comparison(value)

        def holds(packet: Packet) -> bool:
            found = tcp_option(packet, kind, size)
            return found is not None and test.holds(found)

        _take(builder, holds)

    return handle


KEYWORDS: dict[str, Handler] = {
    **{name: _compared(name) for name in _READ},
    "ip_proto": _ip_proto, "sameip": _sameip, "flags": _flags, "tcp.flags": _flags, "ipopts": _ipopts,
    "fragbits": _fragbits, "fragoffset": _fragoffset, "tcp.mss": _option(2, 2), "tcp.wscale": _option(3, 1),
    "ipv4-csum": _checksum(0, 4), "tcpv4-csum": _checksum(TCP, 4), "tcpv6-csum": _checksum(TCP, 6), "udpv4-csum": _checksum(UDP, 4),
    "udpv6-csum": _checksum(UDP, 6), "icmpv4-csum": _checksum(ICMP, 4), "icmpv6-csum": _checksum(ICMP6, 6),
}  # fmt: skip
