"""Where things are in an IP packet as the kernel hands it over: put together, without a frame around it."""

from __future__ import annotations

TCP, UDP = 6, 17
SYN, ACK = 2, 16

_EXTENSIONS = frozenset((0, 43, 60, 135))

#: key (addresses, ports, protocol), protocol, flags, sequence, where the header above IP is, where the payload starts and stops.
Place = tuple[bytes, int, int, int, int, int, int]


def place(data: bytearray, at: int, stop: int) -> Place | None:
    """Of a packet of TCP or UDP over IPv4 or IPv6; None for every other, and for one that is cut before it says what it is."""
    if stop - at < 28:
        return None
    version = data[at] >> 4
    if version == 4:
        protocol, ahead = data[at + 9], at + (data[at] & 15) * 4
        addresses = data[at + 12 : at + 20]
        end = at + (data[at + 2] << 8 | data[at + 3])
        if data[at + 6] & 0x1F or data[at + 7]:
            return None
    elif version == 6 and stop - at >= 48:
        addresses = data[at + 8 : at + 40]
        end = at + 40 + (data[at + 4] << 8 | data[at + 5])
        protocol, ahead = _extended(data, data[at + 6], at + 40, stop)
    else:
        return None
    if end <= ahead or end > stop:  # a large packet of the card's own may say 0, a cut one more than there is
        end = stop
    return _transport(data, bytes(addresses), protocol, ahead, end)


def _extended(data: bytearray, protocol: int, at: int, stop: int) -> tuple[int, int]:
    for _ in range(8):
        if protocol not in _EXTENSIONS or at + 8 > stop:
            break
        protocol, at = data[at], at + 8 + data[at + 1] * 8
    return protocol, at


def _transport(data: bytearray, addresses: bytes, protocol: int, at: int, end: int) -> Place | None:
    key = addresses + bytes(data[at : at + 4]) + bytes((protocol,))
    if protocol == TCP and at + 20 <= end:
        start = at + (data[at + 12] >> 4) * 4
        sequence = int.from_bytes(data[at + 4 : at + 8])
        return key, protocol, data[at + 13], sequence, at, min(max(start, at + 20), end), end
    if protocol == UDP and at + 8 <= end:
        return key, protocol, 0, 0, at, at + 8, end
    return None


def turned(key: bytes) -> bytes:
    """The key of the other direction."""
    half = (len(key) - 5) // 2
    return key[half : 2 * half] + key[:half] + key[-3:-1] + key[-5:-3] + key[-1:]
