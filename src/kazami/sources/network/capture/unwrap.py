"""From frames to what IP carries: IPv6's headers, fragments put together, tunnels opened; each packet inside is handed on."""

from __future__ import annotations

from abc import ABC, abstractmethod

from kazami.sources.network.capture import frame, tunnel, wifi
from kazami.sources.network.capture.fragment import Fragments

TCP, UDP, ICMP, ICMP6, SCTP = 6, 17, 1, 58, 132

_AUTHENTICATED = 51

#: Tunnels within tunnels.
MAX_TUNNELS = 5

_EXTENSIONS = frozenset((0, 43, 60, 135, 139, 140))
PROTOCOL = [bytes((number,)) for number in range(256)]


#: Replies to echoes: of ICMP, and of ICMP for IPv6.
_ANSWERS = (0, 129)


def echo_key(addresses: bytes, kind: int, code: bytes, protocol: int) -> bytes:
    """The key of a packet of ICMP: kind and code for ports; a reply to an echo belongs to its request."""
    if kind in _ANSWERS:
        half = len(addresses) // 2
        addresses, kind = addresses[half:] + addresses[:half], 128 if kind else 8
    return addresses + b"\0" + bytes((kind,)) + b"\0" + code + PROTOCOL[protocol]


class Unwrapper(ABC):
    """Opens packets one by one. `other` counts those that are not IP, or cut before they say whose they are; `encrypted` those of Wi-Fi."""

    def __init__(self) -> None:
        self._fragments = Fragments()
        self._ip_at = -1
        self.other = 0
        self.encrypted = 0

    def unwrap(self, time: int, link: int, data: bytes, start: int, stop: int) -> None:
        """Hand on what is in the frame ``data[start:stop]``."""
        if link in wifi.LINKS:
            parts = wifi.payloads(link, data, start, stop)
            if parts is None:
                self.encrypted += 1
                return
            found = [(frame.typed(0, data, at, end), end) for at, end in parts]
        else:
            found = [(frame.network(link, data, start, stop), stop)]
        if not sum(at >= 0 and self._ip(time, data, at, end, 0) for at, end in found):
            self.other += 1

    def _said(self, end: int, size: int) -> int:
        """Where the packet ends by its own word: behind its captured bytes where the capture cut it."""
        return max(end, self._ip_at + size) if self._ip_at >= 0 else end

    @abstractmethod
    def _transport(
        self, time: int, key: bytes, protocol: int, data: bytes, at: int, end: int, size: int, depth: int
    ) -> None:
        """One packet whose header above IP is at ``data[at]``; `key` are addresses, ports and protocol."""

    @abstractmethod
    def _echo(
        self, time: int, key: bytes, protocol: int, data: bytes, at: int, end: int, size: int, side: int
    ) -> None:
        """One packet of ICMP; `side` is 1 for a reply, whose key is that of its request."""

    def _ip(self, time: int, data: bytes, at: int, stop: int, depth: int) -> bool:
        """An IP packet in any form; False where it is cut."""
        if depth > MAX_TUNNELS or at >= stop:
            return False
        version = data[at] >> 4
        self._ip_at = at
        if version == 4 and at + 20 <= stop:
            return self._version4(time, data, at, stop, depth)
        return version == 6 and at + 40 <= stop and self._version6(time, data, at, stop, depth)

    def _version4(self, time: int, data: bytes, at: int, stop: int, depth: int) -> bool:
        size, length = int.from_bytes(data[at + 2 : at + 4]), (data[at] & 15) * 4
        end = (
            at + size if length <= size and at + size <= stop else stop
        )  # 0 where the card was to fill it in
        if length < 20 or at + length > end:
            return False
        protocol, addresses = data[at + 9], data[at + 12 : at + 20]
        place = int.from_bytes(data[at + 6 : at + 8])
        if place & 0x3FFF:
            key = addresses + data[at + 4 : at + 6] + PROTOCOL[protocol]
            whole = self._fragments.add(
                key, (place & 0x1FFF) * 8, bool(place & 0x2000), data[at + length : end]
            )
            if whole is None:
                return True
            self._ip_at = -1
            return self._payload(time, addresses, protocol, whole, 0, len(whole), len(whole) + length, depth)
        return self._payload(time, addresses, protocol, data, at + length, end, size or end - at, depth)

    def _version6(self, time: int, data: bytes, at: int, stop: int, depth: int) -> bool:
        size, protocol, addresses = (
            int.from_bytes(data[at + 4 : at + 6]),
            data[at + 6],
            data[at + 8 : at + 40],
        )
        end = min(stop, at + 40 + size) if size else stop
        total = size + 40
        at += 40
        for _ in range(16):
            if protocol == 44 and at + 8 <= end:
                place = int.from_bytes(data[at + 2 : at + 4])
                if place & 0xFFF9:
                    key = addresses + data[at + 4 : at + 8]
                    whole = self._fragments.add(key, place & 0xFFF8, bool(place & 1), data[at + 8 : end])
                    if whole is None:
                        return True
                    self._ip_at = -1
                    return self._payload(
                        time, addresses, data[at], whole, 0, len(whole), len(whole) + 40, depth
                    )
                protocol, at = data[at], at + 8
            elif protocol in _EXTENSIONS and at + 8 <= end:
                protocol, at = data[at], at + 8 + data[at + 1] * 8
            elif protocol == _AUTHENTICATED and at + 8 <= end:
                protocol, at = data[at], at + 8 + data[at + 1] * 4
            else:
                break
        return at <= end and self._payload(time, addresses, protocol, data, at, end, total, depth)

    def _payload(
        self,
        time: int,
        addresses: bytes,
        protocol: int,
        data: bytes,
        at: int,
        end: int,
        size: int,
        depth: int,
    ) -> bool:
        if protocol == _AUTHENTICATED and at + 12 <= end:
            protocol, at = data[at], min(end, at + 8 + data[at + 1] * 4)
        if protocol in tunnel.CARRIERS:  # a tunnel is a flow, and so is what is in it
            key = addresses + bytes(4) + PROTOCOL[protocol]
            self._transport(time, key, protocol, data, at, end, size, depth)
            inner = tunnel.CARRIERS[protocol](data, at, end)
            if inner >= 0:
                self._ip(time, data, inner, end, depth + 1)
            return True
        if protocol in (TCP, UDP, SCTP):
            if at + 8 > end:
                return False
            ports = data[at : at + 4]
        elif protocol in (ICMP, ICMP6):
            if at + 4 > end:
                return False
            key = echo_key(addresses, data[at], data[at + 1 : at + 2], protocol)
            answer = data[at] in _ANSWERS
            self._echo(time, key, protocol, data, at, end, size, int(answer))
            return True
        else:
            ports = bytes(4)
        self._transport(time, addresses + ports + PROTOCOL[protocol], protocol, data, at, end, size, depth)
        return True

    def _tunnel(self, time: int, key: bytes, data: bytes, start: int, end: int, depth: int) -> None:
        inner = tunnel.udp(key[-5:-1], data, start, end)
        if inner >= 0:
            self._ip(time, data, inner, end, depth + 1)
