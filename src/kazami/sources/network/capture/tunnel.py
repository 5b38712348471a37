"""Where packets are in what GRE and UDP carry; -1 where there are none. By its port, VXLAN also by what it looks like."""

from __future__ import annotations

from kazami.sources.network.capture import frame


def gre(data: bytes, at: int, stop: int) -> int:
    """Where the IP header is in what GRE carries: RFC 2784 and 2890, PPTP's version 1, and ERSPAN."""
    if at + 4 > stop:
        return -1
    flags, kind = _word(data, at), _word(data, at + 2)
    at += 4 + (4 if flags & 0x8000 else 0) + (4 if flags & 0x2000 else 0) + (4 if flags & 0x1000 else 0)
    if flags & 7 == 1:
        at += 4 if flags & 0x0080 else 0
        return frame.ppp(data, at, stop) if kind == 0x880B else -1
    if kind == 0x88BE:
        return frame.ethernet(data, at + 8 if flags & 0x1000 else at, stop)
    if kind == 0x22EB and at + 12 < stop:  # its last bit: eight bytes more (draft-foschiano-erspan-03)
        return frame.ethernet(data, at + (20 if data[at + 11] & 1 else 12), stop)
    return frame.ppp(data, at, stop) if kind == 0x880B else frame.typed(kind, data, at, stop)


def bare(data: bytes, at: int, stop: int) -> int:
    """IP itself (RFC 2003, 4213)."""
    return at


def etherip(data: bytes, at: int, stop: int) -> int:
    """Frames behind two bytes (RFC 3378)."""
    return frame.ethernet(data, at + 2, stop)


def mpls(data: bytes, at: int, stop: int) -> int:
    """Labels (RFC 4023, 7510)."""
    return frame.typed(0x8847, data, at, stop)


#: Protocols of IP that carry packets.
CARRIERS = {4: bare, 41: bare, 47: gre, 97: etherip, 137: mpls}


def vxlan(data: bytes, at: int, stop: int) -> int:
    """VXLAN (RFC 7348)."""
    return frame.ethernet(data, at + 8, stop) if at + 22 < stop and data[at] & 8 else -1


def geneve(data: bytes, at: int, stop: int) -> int:
    """Geneve (RFC 8926): options by their length in words, then what the protocol type says."""
    if at + 8 >= stop or data[at] >> 6:
        return -1
    return frame.typed(_word(data, at + 2), data, at + 8 + (data[at] & 0x3F) * 4, stop)


def teredo(data: bytes, at: int, stop: int) -> int:
    """The IPv6 header in a Teredo packet (RFC 4380), behind authentication and origin."""
    if data[at : at + 2] == b"\0\x01" and at + 4 < stop:
        at += 13 + data[at + 2] + data[at + 3]
    if data[at : at + 2] == b"\0\0":
        at += 8
    return at if at + 40 <= stop and data[at] >> 4 == 6 else -1


def l2tp(data: bytes, at: int, stop: int) -> int:
    """PPP in a message of data of L2TP (RFC 2661, 3.1), behind the parts of its header that its flags name."""
    flags = _word(data, at)
    if flags & 0x800F != 2:
        return -1
    at += 6 + (2 if flags & 0x4000 else 0) + (4 if flags & 0x0800 else 0)
    if flags & 0x0200:
        at += 2 + _word(data, at)
    return frame.ppp(data, at, stop)


def gtp(data: bytes, at: int, stop: int) -> int:
    """What a subscriber sends in GTP-U (3GPP TS 29.281, 5): IP behind the header and its extensions."""
    if at + 8 >= stop or data[at] & 0xF0 != 0x30 or data[at + 1] != 0xFF:
        return -1
    flags, at = data[at], at + 8
    if flags & 7:
        more, at = data[at + 3 : at + 4] if flags & 4 else b"", at + 4
        while more not in (b"", b"\0") and at < stop and data[at]:
            at += data[at] * 4
            more = data[at - 1 : at]
    return at if at < stop else -1


def looks_like_vxlan(data: bytes, at: int, stop: int) -> int:
    """VXLAN on any port: all of its reserved bits, and a packet that ends where the datagram does (or in a frame's padding)."""
    if data[at : at + 4] != b"\x08\0\0\0" or at + 50 > stop or data[at + 7]:
        return -1
    inner = frame.ethernet(data, at + 8, stop)
    if inner < 0:
        return -1
    size = _word(data, inner + 2) if data[inner] == 0x45 else 40 + _word(data, inner + 4)
    return inner if data[inner] >> 4 in (4, 6) and 0 <= stop - inner - size <= 46 else -1


_PORTS = {4789: vxlan, 8472: vxlan, 6081: geneve, 3544: teredo, 1701: l2tp, 2152: gtp, 6635: mpls}
_OPENERS = {port.to_bytes(2): opener for port, opener in _PORTS.items()}

#: Ports of UDP behind which there may be a tunnel.
PORTS = frozenset(_PORTS)


def udp(ports: bytes, data: bytes, at: int, stop: int) -> int:
    """Where the IP header is in a datagram between these two `ports`."""
    opener = _OPENERS.get(ports[2:]) or _OPENERS.get(ports[:2]) or looks_like_vxlan
    return opener(data, at, stop)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2])
