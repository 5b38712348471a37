"""The flow engine: packets in, flows out, in one pass and bounded memory.

A packet of the usual kind (Ethernet, IPv4 without options, TCP or UDP) is counted without a detour; everything else goes through `frame`, IPv6's
headers, fragments and tunnels, and then the same way. Flows end when they are idle for as long as Zeek waits, when a closed one begins anew, or when
there is no room: then those that were quiet longest go first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kazami.model.wire import Tap
from kazami.sources.network.capture import frame
from kazami.sources.network.capture.flow import Flow, Half
from kazami.sources.network.capture.fragment import Fragments
from kazami.sources.network.capture.packets import Packet

TCP, UDP, ICMP, ICMP6, SCTP = 6, 17, 1, 58, 132

#: Flows that are held, bytes of their heads, and packets between two looks at them.
MAX_FLOWS, MAX_HEADS, STRIDE = 60_000, 96 << 20, 1 << 15

#: Microseconds without a packet after which a flow is over: TCP, everything else, and what both sides closed.
IDLE_TCP, IDLE_OTHER, IDLE_CLOSED = 300_000_000, 60_000_000, 5_000_000

#: Tunnels within tunnels.
MAX_TUNNELS = 5

FIN, SYN, RST, ACK = 1, 2, 4, 16
_TUNNELS = frozenset((b"\x12\xb5", b"\x0d\xd8"))  # VXLAN 4789, Teredo 3544
_COMMON = frozenset((TCP, UDP))
_EXTENSIONS = frozenset((0, 43, 60, 135, 139, 140))
_SERVERS = frozenset(
    port.to_bytes(2)
    for port in (21, 22, 23, 25, 53, 80, 88, 110, 135, 139, 143, 389, 443, 445, 465, 587, 636, 993, 995, 1080, 3128, 3389, 5355, 5985, 5986, 8080, 8443)
)  # fmt: skip
_PROTOCOL = [bytes((number,)) for number in range(256)]

Emit = Callable[[Flow], None]
Datagram = Callable[[Flow, int, bytes, int], None]


def _is_answer(key: bytes) -> bool:
    """Whether the first packet of a flow that was captured is rather its server's: Zeek's rule of likely server ports."""
    return key[-5:-3] in _SERVERS and key[-3:-1] not in _SERVERS and key[-1] in _COMMON


class Engine:
    """Takes packets; hands every flow that is over to `emit`, and datagrams of ports in `watched` to `datagram`.

    `tap` sees every packet of a flow (`model.wire`).
    """

    def __init__(
        self,
        emit: Emit,
        datagram: Datagram | None = None,
        watched: frozenset[bytes] = frozenset(),
        tap: Tap | None = None,
    ) -> None:
        self._tap, self._ip_at = tap, -1
        self._emit, self._datagram, self._watched = emit, datagram, watched
        self._flows: dict[bytes, tuple[Flow, int]] = {}
        self._fragments = Fragments()
        self._count = 0
        self.other = 0  # packets that are not IP, or cut before they say whose they are

    def add(self, packet: Packet) -> None:
        """Take one packet."""
        time, link, data, start, stop = packet
        self._count += 1
        if not self._count % STRIDE:
            self._sweep()
        if link == 1 and data[start + 12 : start + 15] == b"\x08\x00\x45" and start + 42 <= stop:
            ip = start + 14
            protocol = data[ip + 9]
            if protocol in _COMMON and not (data[ip + 6] & 0x3F or data[ip + 7]):
                size = data[ip + 2] << 8 | data[ip + 3]
                end = ip + size if size >= 20 and ip + size <= stop else stop
                key = data[ip + 12 : ip + 24] + _PROTOCOL[protocol]
                self._ip_at = ip
                self._transport(time, key, protocol, data, ip + 20, end, size, 0)
                return
        at = frame.network(link, data, start, stop)
        if at < 0 or not self._ip(time, data, at, stop, 0):
            self.other += 1

    def finish(self) -> Iterator[None]:
        """Hand on what is still open, a step for each flow."""
        for flow in self._open_flows():
            self._over(flow)
            yield
        self._flows.clear()

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
            key = addresses + data[at + 4 : at + 6] + _PROTOCOL[protocol]
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
            elif protocol == 51 and at + 8 <= end:
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
        if protocol in (4, 41):
            return self._ip(time, data, at, end, depth + 1)
        if protocol == 47:
            inner = frame.gre(data, at, end)
            return inner >= 0 and self._ip(time, data, inner, end, depth + 1)
        if protocol in (TCP, UDP, SCTP):
            if at + 8 > end:
                return False
            ports = data[at : at + 4]
        elif protocol in (ICMP, ICMP6):
            if at + 4 > end:
                return False
            kind = data[at]
            answer = kind in (0, 129)  # an echo's reply belongs to its request
            ports = (
                b"\0"
                + bytes((8 if kind == 0 else 128 if kind == 129 else kind,))
                + b"\0"
                + data[at + 1 : at + 2]
            )
            half = len(addresses) // 2
            key = (addresses[half:] + addresses[:half] if answer else addresses) + ports + _PROTOCOL[protocol]
            self._echo(time, key, protocol, data, at, end, size, int(answer))
            return True
        else:
            ports = bytes(4)
        self._transport(time, addresses + ports + _PROTOCOL[protocol], protocol, data, at, end, size, depth)
        return True

    def _echo(
        self, time: int, key: bytes, protocol: int, data: bytes, at: int, end: int, size: int, side: int
    ) -> None:
        entry = self._flows.get(key)
        flow, direction = entry if entry is not None else self._open(key, protocol, time)
        half = flow.halves[direction ^ side]
        flow.last = max(flow.last, time)
        half.packets += 1
        half.ip_bytes += size
        half.payload += max(0, end - at - 8)
        if flow.watch is not None:
            flow.watch.take(time, self._count, direction ^ side, data, self._ip_at, at, end)
        if not half.full and end > at + 8:
            half.take(data[at + 8 : end], time)

    def _transport(
        self, time: int, key: bytes, protocol: int, data: bytes, at: int, end: int, size: int, depth: int
    ) -> None:
        """Count one packet, and keep its bytes if they are among the first."""
        entry = self._flows.get(key)
        flags = 0
        if protocol == TCP:
            flags = data[at + 13] if at + 14 <= end else 0
            if entry is not None and flags & (SYN | ACK) == SYN and self._is_over(entry, time):
                self._close(entry[0])
                entry = None
        flow, direction = entry if entry is not None else self._open(key, protocol, time, flags)
        half = flow.halves[direction]
        if time > flow.last:
            flow.last = time
        half.packets += 1
        half.ip_bytes += size
        if flow.watch is not None:
            flow.watch.take(time, self._count, direction, data, self._ip_at, at, end)
        if protocol == TCP:
            self._segment(half, flags, data, at, end, time)
            return
        start = at + 8 if protocol == UDP else at
        if end <= start:
            return
        half.payload += end - start
        if protocol == UDP:
            ports = key[-5:-1]
            if self._datagram is not None and (ports[:2] in self._watched or ports[2:] in self._watched):
                self._datagram(flow, direction, data[start:end], time)
            if ports[:2] in _TUNNELS or ports[2:] in _TUNNELS:
                self._tunnel(time, data, start, end, depth)
        if not half.full:
            half.take(data[start:end], time)

    def _tunnel(self, time: int, data: bytes, start: int, end: int, depth: int) -> None:
        for inner in (frame.vxlan(data, start, end), frame.teredo(data, start, end)):
            if inner >= 0:
                self._ip(time, data, inner, end, depth + 1)
                return

    def _segment(self, own: Half, flags: int, data: bytes, at: int, end: int, time: int) -> None:
        own.flags |= flags
        if at + 20 > end:
            return
        start = at + (data[at + 12] >> 4) * 4
        sequence = int.from_bytes(data[at + 4 : at + 8])
        if flags & SYN:
            if own.syn is None and self._ip_at >= 0:
                own.syn = time, bytes(data[self._ip_at : min(start, end)])
            sequence = (sequence + 1) & 0xFFFFFFFF
            if not own.head:
                own.next = sequence
        elif own.acked < 0:
            own.acked = time
        if start < at + 20 or end <= start:
            return
        own.payload += end - start
        if not own.full:
            own.segment(sequence, data[start:end], time)

    @staticmethod
    def _is_over(entry: tuple[Flow, int], time: int) -> bool:
        """Whether a new SYN begins a new connection: the old one was closed, or is long quiet."""
        first, second = (half.flags for half in entry[0].halves)
        return bool((first | second) & RST or first & second & FIN) or time - entry[0].last > IDLE_TCP

    def _open(self, key: bytes, protocol: int, time: int, flags: int = 0) -> tuple[Flow, int]:
        if len(self._flows) >= 2 * MAX_FLOWS:
            self._make_room()
        half = (len(key) - 5) // 2
        other = key[half : 2 * half] + key[:half] + key[-3:-1] + key[-5:-3] + key[-1:]
        answer = flags & (SYN | ACK) == SYN | ACK or (not flags & SYN and _is_answer(key))
        own = other if answer else key
        flow = Flow(own, protocol, time, self._count)
        if self._tap is not None:
            addresses = own[:half], own[half : 2 * half]
            ports = int.from_bytes(own[-5:-3]), int.from_bytes(own[-3:-1])
            flow.watch = self._tap.open(protocol, addresses, ports, time)
        mine = (flow, int(answer))
        if protocol in (ICMP, ICMP6):
            self._flows[key] = mine
            return mine
        self._flows[other] = (flow, 1 - int(answer))
        self._flows[key] = mine
        return mine

    def _close(self, flow: Flow) -> None:
        key = flow.key
        half = (len(key) - 5) // 2
        other = key[half : 2 * half] + key[:half] + key[-3:-1] + key[-5:-3] + key[-1:]
        for known in (key, other):
            entry = self._flows.get(known)
            if entry is not None and entry[0] is flow:
                del self._flows[known]
        self._over(flow)

    def _over(self, flow: Flow) -> None:
        if flow.watch is not None:
            flow.watch.finish()
        self._emit(flow)

    def _open_flows(self) -> list[Flow]:
        return list({id(flow): flow for flow, _ in self._flows.values()}.values())

    def _sweep(self) -> None:
        """End what is idle; where heads take too much room, what was quiet longest as well."""
        flows = self._open_flows()
        now = max((flow.last for flow in flows), default=0)
        heads = 0
        for flow in flows:
            limit = IDLE_TCP if flow.protocol == TCP else IDLE_OTHER
            if flow.protocol == TCP and self._is_over((flow, 0), flow.last):
                limit = IDLE_CLOSED
            if now - flow.last > limit:
                self._close(flow)
            else:
                heads += len(flow.halves[0].head) + len(flow.halves[1].head)
        if heads > MAX_HEADS:
            self._make_room()

    def _make_room(self) -> None:
        """End the third of all flows that was quiet longest."""
        flows = sorted(self._open_flows(), key=lambda flow: flow.last)
        for flow in flows[: max(1, len(flows) // 3)]:
            self._close(flow)
