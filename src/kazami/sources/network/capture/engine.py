"""The flow engine, packet by packet: the plain statement of what `batch` does with many at once.

Flows end when they are idle for as long as Zeek waits, when a closed one begins anew, or when there is no room: then those that were quiet
longest go first. A property test holds both engines together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kazami.model.wire import Tap
from kazami.sources.network.capture.flow import (
    SYN,
    TCP,
    UDP,
    Flow,
    Half,
    begins_backward,
    is_over,
    turned,
)
from kazami.sources.network.capture.packets import Packet
from kazami.sources.network.capture.unwrap import ICMP, ICMP6, Unwrapper

#: Flows that are held, bytes of their heads, and packets between two looks at them.
MAX_FLOWS, MAX_HEADS, STRIDE = 60_000, 96 << 20, 1 << 15

Emit = Callable[[Flow], None]
Datagram = Callable[[Flow, int, bytes, int], None]


class Engine(Unwrapper):
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
        super().__init__()
        self._tap = tap
        self._emit, self._datagram, self._watched = emit, datagram, watched
        self._flows: dict[bytes, tuple[Flow, int]] = {}
        self._count = 0

    def add(self, packet: Packet) -> None:
        """Take one packet."""
        self._count += 1
        if not self._count % STRIDE:
            self._sweep(packet.time)
        self.unwrap(*packet)

    def finish(self) -> Iterator[None]:
        """Hand on what is still open, a step for each flow."""
        for flow in self._open_flows():
            self._over(flow)
            yield
        self._flows.clear()

    def _echo(
        self, time: int, key: bytes, protocol: int, data: bytes, at: int, end: int, size: int, side: int
    ) -> None:
        flow, direction = self._flow(key, protocol, time, 0)
        self._count_in(flow, direction ^ side, time, data, at, end, size)
        half = flow.halves[direction ^ side]
        half.payload += max(0, self._said(end, size) - at - 8)
        if not half.full and end > at + 8:
            half.take(data[at + 8 : end], time)

    def _transport(
        self, time: int, key: bytes, protocol: int, data: bytes, at: int, end: int, size: int, depth: int
    ) -> None:
        """Count one packet, and keep its bytes if they are among the first."""
        flags = data[at + 13] if protocol == TCP and at + 14 <= end else 0
        flow, direction = self._flow(key, protocol, time, flags)
        half = flow.halves[direction]
        self._count_in(flow, direction, time, data, at, end, size)
        if protocol == TCP:
            self._segment(half, flags, data, at, end, time, self._said(end, size))
            return
        start = at + 8 if protocol == UDP else at
        half.payload += max(0, self._said(end, size) - start)
        if end <= start:
            return
        if protocol == UDP:
            ports = key[-5:-1]
            if self._datagram is not None and (ports[:2] in self._watched or ports[2:] in self._watched):
                self._datagram(flow, direction, data[start:end], time)
            self._tunnel(time, key, data, start, end, depth)
        if not half.full and flow.queries is None:
            half.take(data[start:end], time)

    def _count_in(
        self, flow: Flow, direction: int, time: int, data: bytes, at: int, end: int, size: int
    ) -> None:
        if time > flow.last:
            flow.last = time
        half = flow.halves[direction]
        half.packets += 1
        half.ip_bytes += size
        if flow.watch is not None:
            flow.watch.take(time, self._count, direction, data, self._ip_at, at, end)

    def _segment(self, own: Half, flags: int, data: bytes, at: int, end: int, time: int, said: int) -> None:
        own.flags |= flags
        if at + 20 > end:
            return
        start = at + (data[at + 12] >> 4) * 4
        sequence = int.from_bytes(data[at + 4 : at + 8])
        if flags & SYN:
            if own.syn is None and self._ip_at >= 0:
                own.syn = time, data[self._ip_at : min(start, end)]
            sequence = own.begin(sequence)
        elif own.acked < 0:
            own.acked = time
        if start < at + 20:
            return
        own.payload += max(0, said - start)
        if not own.full and end > start:
            own.segment(sequence, data[start:end], time)

    def _flow(self, key: bytes, protocol: int, time: int, flags: int) -> tuple[Flow, int]:
        """The flow of a packet, begun anew where there is none or it is over, and the packet's direction in it."""
        entry = self._flows.get(key)
        if entry is not None:
            if not is_over(entry[0], flags, time):
                return entry
            self._close(entry[0])
        return self._open(key, protocol, time, flags)

    def _open(self, key: bytes, protocol: int, time: int, flags: int) -> tuple[Flow, int]:
        if len(self._flows) >= 2 * MAX_FLOWS:
            self._make_room()
        backward = begins_backward(key, flags)
        other = turned(key)
        flow = Flow(other if backward else key, protocol, time, self._count)
        flow.look(self._tap)
        if protocol not in (ICMP, ICMP6):
            self._flows[other] = (flow, 1 - int(backward))
        self._flows[key] = (flow, int(backward))
        return self._flows[key]

    def _close(self, flow: Flow) -> None:
        for known in (flow.key, turned(flow.key)):
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

    def _sweep(self, now: int) -> None:
        """End what is idle; where heads take too much room, what was quiet longest as well."""
        heads = 0
        for flow in self._open_flows():
            if is_over(flow, 0, now):
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
