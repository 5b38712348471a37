"""From a frame to the IP packet in it: link types, VLAN, PPPoE, MPLS, LLC."""

from __future__ import annotations

#: Headers within each other that are followed in one frame.
MAX_DEPTH = 16

# Tags: how far behind their own type they name the next. VLAN; Cisco's VN-Tag and security group tag.
_TAGS = {0x8100: 2, 0x88A8: 2, 0x9100: 2, 0x9200: 2, 0x8926: 4, 0x8909: 6}
_IP = frozenset((0x0800, 0x86DD))
_RAW = frozenset((101, 12, 14, 228, 229))
_ETHERNET, _NULL, _LOOP, _PPP, _HDLC, _SLL, _SLL2, _PPPOE_LINK = 1, 0, 108, 9, 104, 113, 276, 51
_PPP_SERIAL, _PPP_WAY, _PFLOG, _ENC, _NFLOG = 50, 204, 117, 109, 239
_BRIDGED = 0x6558
_SERVICE = {1: 0x0800, 2: 0x86DD, 3: _BRIDGED, 5: 0x8847}
_FAMILIES6 = frozenset((10, 24, 28, 30))
_PPP_TYPES = {0x0021: 0x0800, 0x0057: 0x86DD, 0x0281: 0x8847, 0x0283: 0x8848}

#: Link types that are read.
LINKS = _RAW | {
    _ETHERNET,
    _NULL,
    _LOOP,
    _PPP,
    _HDLC,
    _SLL,
    _SLL2,
    _PPPOE_LINK,
    _PPP_SERIAL,
    _PPP_WAY,
    _PFLOG,
    _ENC,
    _NFLOG,
}

#: What link types are that people have and that are not read.
NAMES = {
    6: "Token Ring", 10: "FDDI", 107: "Frame Relay", 123: "ATM", 186: "USB", 187: "Bluetooth", 189: "USB", 195: "IEEE 802.15.4",
    201: "Bluetooth", 215: "IEEE 802.15.4", 220: "USB", 227: "CAN", 230: "IEEE 802.15.4", 249: "USB", 251: "Bluetooth LE",
    252: "parts exported by Wireshark", 253: "netlink", 256: "Bluetooth LE", 272: "Bluetooth", 283: "IEEE 802.15.4",
}  # fmt: skip


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
        return typed(_word(data, start + 14), data, start + 16, stop)
    if link == _SLL2:
        return typed(_word(data, start), data, start + 20, stop)
    if link in (_PPP, _PPP_WAY) or (link == _PPP_SERIAL and data[start : start + 1] == b"\xff"):
        return ppp(data, start + (link == _PPP_WAY), stop)
    if link in (_HDLC, _PPP_SERIAL):
        return typed(_word(data, start + 2), data, start + 4, stop)
    return _pppoe(data, start, stop) if link == _PPPOE_LINK else _of_firewall(link, data, start, stop)


def _of_firewall(link: int, data: bytes, start: int, stop: int) -> int:
    """Behind what firewalls tell of a packet: OpenBSD's pflog and enc, Linux's nflog."""
    if link == _ENC:
        return start + 12 if start + 12 < stop else -1
    if link == _PFLOG:
        at = start + (max(data[start : start + 1], default=0) + 3 & ~3)
        return at if start < at < stop else -1
    at = start + 4
    while at + 4 < stop:
        size = int.from_bytes(data[at : at + 2], "little")
        if data[at + 2 : at + 4] == b"\x09\0":
            return at + 4
        at += max(4, size + -size % 4)
    return -1


def ethernet(data: bytes, start: int, stop: int) -> int:
    """The same for an Ethernet frame."""
    return typed(_word(data, start + 12), data, start + 14, stop)


def typed(kind: int, data: bytes, at: int, stop: int) -> int:
    """Where the IP header is behind a header that ends at `at` and names what follows by its EtherType."""
    for _ in range(MAX_DEPTH):
        if at >= stop:
            return -1
        if kind in _IP:
            return at
        if kind == _BRIDGED:
            return ethernet(data, at, stop)
        if kind in _TAGS:
            at += _TAGS[kind] + 2
            kind = _word(data, at - 2)
        elif kind in (0x8847, 0x8848):
            return _mpls(data, at, stop)
        elif kind == 0x8864:
            return _pppoe(data, at, stop)
        elif (
            kind == 0x894F and at + 8 < stop
        ):  # a service header (RFC 8300): its length in words, and what follows
            kind, at = _SERVICE.get(data[at + 3], 0), at + (data[at + 1] & 0x3F) * 4
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
    return ppp(data, at + 6, stop) if at + 8 < stop and data[at : at + 2] == b"\x11\0" else -1


def ppp(data: bytes, at: int, stop: int) -> int:
    """The same behind a header of PPP."""
    if data[at : at + 2] == b"\xff\x03":
        at += 2
    if at + 2 >= stop:
        return -1
    if data[at] & 1:  # the protocol in one byte
        kind, at = data[at], at + 1
    else:
        kind, at = _word(data, at), at + 2
    return typed(_PPP_TYPES.get(kind, 0xFFFF), data, at, stop)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2])
