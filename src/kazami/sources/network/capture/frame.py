"""From a frame to the IP packet in it: link types, VLAN, PPPoE, MPLS, LLC; and tunnels that carry frames or packets again."""

from __future__ import annotations

#: Headers within each other that are followed in one frame.
MAX_DEPTH = 16

_VLAN = frozenset((0x8100, 0x88A8, 0x9100, 0x9200))
_IP = frozenset((0x0800, 0x86DD))
_RAW = frozenset((101, 12, 14, 228, 229))
_ETHERNET, _NULL, _LOOP, _PPP, _HDLC, _SLL, _SLL2, _PPPOE_LINK = 1, 0, 108, 9, 104, 113, 276, 51
_SERVICE = {1: 0x0800, 2: 0x86DD, 3: 0x6558, 5: 0x8847}
_FAMILIES6 = frozenset((10, 24, 28, 30))
_PPP_TYPES = {0x0021: 0x0800, 0x0057: 0x86DD, 0x0281: 0x8847, 0x0283: 0x8848}

#: Link types that are read.
LINKS = _RAW | {_ETHERNET, _NULL, _LOOP, _PPP, _HDLC, _SLL, _SLL2, _PPPOE_LINK}


def network(link: int, data: bytes, start: int, stop: int) -> int:
    """Where the IP header of a frame is; -1 where there is none (ARP and the like, or cut)."""
    if link in _RAW:
        return start if start < stop else -1
    if link == _ETHERNET:
        return ethernet(data, start, stop)
    if link in (_NULL, _LOOP):
        family = max(data[start : start + 4], default=0)
        return start + 4 if start + 4 < stop and (family == 2 or family in _FAMILIES6) else -1
    if link == _SLL:
        return _typed(_word(data, start + 14), data, start + 16, stop)
    if link == _SLL2:
        return _typed(_word(data, start), data, start + 20, stop)
    if link == _PPP:
        return _ppp(data, start, stop)
    if link == _HDLC:
        return _typed(_word(data, start + 2), data, start + 4, stop)
    return _pppoe(data, start, stop) if link == _PPPOE_LINK else -1


def ethernet(data: bytes, start: int, stop: int) -> int:
    """The same for an Ethernet frame."""
    return _typed(_word(data, start + 12), data, start + 14, stop)


def _typed(kind: int, data: bytes, at: int, stop: int) -> int:
    """Where the IP header is behind a header that ends at `at` and names what follows by its EtherType."""
    for _ in range(MAX_DEPTH):
        if at >= stop:
            return -1
        if kind in _IP:
            return at
        if kind in _VLAN:
            kind, at = _word(data, at + 2), at + 4
        elif kind in (0x8847, 0x8848):
            return _mpls(data, at, stop)
        elif kind == 0x8864:
            return _pppoe(data, at, stop)
        elif (
            kind == 0x894F and at + 8 < stop
        ):  # a service header (RFC 8300): its length in words, and what follows
            inner, at = _SERVICE.get(data[at + 3], 0), at + (data[at + 1] & 0x3F) * 4
            if inner == 0x6558:
                return ethernet(data, at, stop)
            kind = inner
        elif kind <= 1500 and data[at : at + 6] == b"\xaa\xaa\x03\0\0\0":
            kind, at = _word(data, at + 6), at + 8
        elif kind <= 1500 and data[at : at + 3] == b"\x06\x06\x03":
            return at + 3
        else:
            return -1
    return -1


def _mpls(data: bytes, at: int, stop: int) -> int:
    for _ in range(MAX_DEPTH):
        if at + 4 >= stop:
            return -1
        last = data[at + 2] & 1
        at += 4
        if last:
            break
    if data[at] >> 4 in (4, 6):
        return at
    return ethernet(data, at + 4 if data[at] >> 4 == 0 else at, stop)


def _pppoe(data: bytes, at: int, stop: int) -> int:
    return _ppp(data, at + 6, stop) if at + 8 < stop and data[at : at + 2] == b"\x11\0" else -1


def _ppp(data: bytes, at: int, stop: int) -> int:
    if data[at : at + 2] == b"\xff\x03":
        at += 2
    if at + 2 >= stop:
        return -1
    if data[at] & 1:  # the protocol in one byte
        kind, at = data[at], at + 1
    else:
        kind, at = _word(data, at), at + 2
    return _typed(_PPP_TYPES.get(kind, 0xFFFF), data, at, stop)


def gre(data: bytes, at: int, stop: int) -> int:
    """Where the IP header is in what GRE carries: RFC 2784 and 2890, PPTP's version 1, and ERSPAN."""
    if at + 4 > stop:
        return -1
    flags, kind = _word(data, at), _word(data, at + 2)
    at += 4 + (4 if flags & 0x8000 else 0) + (4 if flags & 0x2000 else 0) + (4 if flags & 0x1000 else 0)
    if flags & 7 == 1:
        at += 4 if flags & 0x0080 else 0
        return _ppp(data, at, stop) if kind == 0x880B else -1
    if kind == 0x6558:
        return ethernet(data, at, stop)
    if kind in (0x88BE, 0x22EB):
        return ethernet(data, at + (8 if kind == 0x88BE else 12) if flags & 0x1000 else at, stop)
    return _ppp(data, at, stop) if kind == 0x880B else _typed(kind, data, at, stop)


def vxlan(data: bytes, at: int, stop: int) -> int:
    """Where the IP header is in what VXLAN (RFC 7348) carries, behind its UDP header."""
    return ethernet(data, at + 8, stop) if at + 22 < stop and data[at] & 8 else -1


def teredo(data: bytes, at: int, stop: int) -> int:
    """Where the IPv6 header is in a Teredo packet (RFC 4380), behind authentication and origin."""
    if data[at : at + 2] == b"\0\x01" and at + 4 < stop:
        at += 13 + data[at + 2] + data[at + 3]
    if data[at : at + 2] == b"\0\0":
        at += 8
    return at if at + 40 <= stop and data[at] >> 4 == 6 else -1


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2])
