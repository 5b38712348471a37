"""The flow engine for many packets at once: rows are sorted by flow, counted with numpy, and only flows are touched in Python.

What it gives is what `engine` gives, packet by packet; a property test holds both together. A flow's payload is looked at while its first
bytes are wanted; later packets are only counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

import numpy as np

from kazami.model.wire import Tap
from kazami.sources.network.capture import begin, header, watching
from kazami.sources.network.capture.block import Block, Numbers
from kazami.sources.network.capture.crop import Crop, Crops, Reap
from kazami.sources.network.capture.engine import Datagram, Emit
from kazami.sources.network.capture.flow import (
    FIN,
    IDLE_OTHER,
    RST,
    TCP,
    UDP,
    Flow,
    Half,
    begins_backward,
    is_closed,
    is_over,
    limit_of,
    turned,
)
from kazami.sources.network.capture.header import Flags, Rows
from kazami.sources.network.capture.odd import Odd
from kazami.sources.network.capture.sorting import (
    Groups,
    Halves,
    Payload,
    groups_of,
    halves_of,
    listed,
    only,
    spread,
)
from kazami.sources.network.capture.unwrap import ICMP, ICMP6, PROTOCOL, echo_key

#: Flows that are held, and bytes of their heads.
MAX_FLOWS, MAX_HEADS = 60_000, 96 << 20

#: Protocols whose packets are usually what rows of a block say.
_PLAIN = frozenset((TCP, UDP, ICMP))

#: Flows that end together do so in the order in which they began: labels differ from run to run.
_NUMBER = attrgetter("number")

#: Packets between two looks for flows that are over.
STRIDE = 1 << 15


class Batch:
    """Takes blocks; hands every flow that is over to `emit`, and datagrams of ports in `watched` to `datagram`.

    `tap` sees every packet of a flow (`model.wire`), those of one block in their order. With `reap`, flows that are over may be
    handed on as columns.
    """

    def __init__(
        self,
        emit: Emit,
        datagram: Datagram | None = None,
        watched: frozenset[bytes] = frozenset(),
        tap: Tap | None = None,
        reap: Reap | None = None,
    ) -> None:
        self._tap = tap
        self._crops = Crops(reap or self._reap)
        self._emit, self._datagram, self._watched = emit, datagram, watched
        self._flows: dict[int, Flow] = {}  # by label, those that were touched last at the end
        self._closed: dict[int, Flow] = {}  # those among them that both sides closed
        self._odd = Odd()
        self._count = self._swept = self._heads = 0
        self._done: list[Flow] = []
        self._begun: list[tuple[int, Flow]] = []  # by their group in a block

    @property
    def other(self) -> int:
        """Packets that are not IP, or cut before they say whose they are."""
        return self._odd.other

    @property
    def encrypted(self) -> int:
        """Frames of Wi-Fi whose payload is encrypted."""
        return self._odd.encrypted

    @property
    def held(self) -> int:
        """Flows that are held."""
        return len(self._flows) + len(self._crops)

    @property
    def heads(self) -> int:
        """Bytes that are held of them."""
        return self._heads + self._crops.heads

    def add(self, block: Block) -> None:
        """Take the packets of one block."""
        rows, places, others = header.read(block)
        self._odd.other += others
        data, keys = block.data, dict[int, bytes]()
        if len(places):
            more, found, data = self._odd.rows(block, places)
            if more is not None:
                rows, keys = _between(rows, more, found)
        if len(rows.label):
            self._take(rows, data, keys)
        self._count += len(block.starts)
        if self._count - self._swept >= STRIDE or self.held > MAX_FLOWS or self.heads > MAX_HEADS:
            self._swept = self._count
            self._sweep(int(block.times[-1]))

    def finish(self) -> Iterator[None]:
        """Hand on what is still open, in steps."""
        yield from self._crops.finish()
        for flow in sorted(self._flows.values(), key=_NUMBER):
            self._over(flow)
            yield
        self._flows.clear()
        self._closed.clear()

    def _take(self, rows: Rows, data: bytes, keys: dict[int, bytes]) -> None:
        groups, number = groups_of(rows, self._is_closed)
        halves, payload = halves_of(groups.rows, number)
        flows: list[Flow | None] = [None] * len(groups.label)
        rest = self._begin(groups, halves, payload, data, keys, flows)
        groups, halves, payload = listed(groups, *only(halves, payload, rest[halves.group]))
        for n, (group, side) in enumerate(zip(halves.group, halves.side, strict=True)):
            flow = flows[group]
            if flow is None:
                flow = flows[group] = self._flow(groups, group, data, keys)
                if flow.named and self._datagram is not None:
                    self._datagrams(flow, groups, group, data)
            half = flow.halves[side ^ flow.side]
            self._count_in(half, n, groups, halves, data)
            if halves.flags[n] & (FIN | RST) and is_closed(flow):
                self._closed[groups.label[group]] = flow
            if not half.full and flow.queries is None:
                before = len(half.head)
                _read(half, halves, n, payload, data, flow.protocol == TCP)
                self._heads += len(half.head) - before
        if self._tap is not None:
            self._show(groups, number, flows, self._look(self._tap, groups, data), data)
        for flow in sorted(self._done, key=_NUMBER):
            self._over(flow)
        self._done.clear()

    @staticmethod
    def _count_in(half: Half, n: int, groups: Groups, halves: Halves, data: bytes) -> None:
        half.packets += halves.packets[n]
        half.ip_bytes += halves.ip_bytes[n]
        half.payload += halves.payload[n]
        half.flags |= halves.flags[n]
        if half.syn is None and halves.syn[n] >= 0:
            half.syn = begin.syn_of(groups.rows, halves.syn[n], data)
        if half.acked < 0 <= halves.acked[n]:
            half.acked = halves.acked[n]

    def _begin(
        self,
        groups: Groups,
        halves: Halves,
        payload: Payload,
        data: bytes,
        keys: dict[int, bytes],
        flows: list[Flow | None],
    ) -> Flags:
        """Begin the flows of all groups that are simple and begin one; which groups are left. Those flows that somebody wants to
        see at once are put in their places of `flows`."""
        some = begin.simple(groups, halves, payload)
        if keys:
            some &= ~np.isin(groups.row, list(keys))
        which = np.flatnonzero(some)
        labels, flags, times = groups.label[which].tolist(), groups.flags[which], groups.time[which]
        busy = self._crops.busy(labels, flags, times)
        if known := self._flows:
            told = zip(labels, flags.tolist(), times.tolist(), strict=True)
            going = [label in known and not self._ends(label, flag, time) for label, flag, time in told]
            busy |= np.array(going, np.bool_)
        which = which[~busy]
        some[:] = True
        some[which] = False
        if len(which):
            crop = begin.crop(groups, halves, payload, data, which, self._count)
            if self._tap is not None:
                said = crop.near.head, crop.far.head
                crop.watch = self._tap.begin(
                    watching.openings(
                        crop.keys, crop.first, said, crop.turned, which, groups, self._count + 1, data
                    )
                )
            self._name(crop, which, groups, data)
            if crop.watch is not None:
                rows = np.flatnonzero(~crop.watch.waits)
                for group, (label, flow) in zip(which[rows].tolist(), crop.alone(rows), strict=True):
                    self._adopt(label, flow)
                    flows[group] = flow
            self._crops.add(crop)
        return some

    def _name(self, crop: Crop, which: Numbers, groups: Groups, data: bytes) -> None:
        """Hand on the datagrams of those flows of a crop whose are looked at one by one."""
        rows = np.flatnonzero(crop.protocol == UDP)
        rows = rows[np.array([self._is_watched(crop.keys[row]) for row in rows.tolist()], np.bool_)]
        if self._datagram is None or not len(rows):
            return
        flows = list(crop.bare(rows))
        crop.known = dict(zip(rows.tolist(), flows, strict=True))
        for flow in flows:
            flow.named = True
        at, whose, _ = spread(groups.first[which[rows]], groups.first[which[rows] + 1])
        told = groups.rows
        some = told.length[at] > 0
        at, whose = at[some], whose[some]
        start, side = told.start[at], told.side[at] ^ crop.turned[rows][whose]
        columns = (whose, side, start, start + told.length[at], told.time[at])
        for n, direction, begun, end, time in zip(*(column.tolist() for column in columns), strict=True):
            self._datagram(flows[n], direction, data[begun:end], time)
        crop.forget(rows[np.array([flow.queries is not None for flow in flows])])

    def _is_watched(self, key: bytes) -> bool:
        return key[-5:-3] in self._watched or key[-3:-1] in self._watched

    def _is_closed(self, label: int) -> bool:
        """Whether the flow of this label was closed by both sides."""
        return label in self._closed or self._crops.is_closed(label)

    def _ends(self, label: int, flags: int, time: int) -> bool:
        """Whether the flow of this label is over when such a packet comes; it is then let go."""
        if not is_over(self._flows[label], flags, time):
            return False
        self._closed.pop(label, None)
        self._done.append(self._flows.pop(label))
        return True

    def _flow(self, groups: Groups, group: int, data: bytes, keys: dict[int, bytes]) -> Flow:
        """The flow of a group, begun anew where there is none or it is over; it moves to the end of all flows."""
        label = groups.label[group]
        alone = self._crops.take(label)
        if alone is not None:
            self._adopt(label, alone)
        if label in self._flows:
            self._ends(label, groups.flags[group], groups.time[group])
        flow = self._flows.pop(label, None)
        if flow is None:
            flow = self._open(groups, group, data, keys)
            if self._tap is not None:
                self._begun.append((group, flow))
        self._flows[label] = flow
        if groups.last[group] > flow.last:
            flow.last = groups.last[group]
        return flow

    def _adopt(self, label: int, flow: Flow) -> None:
        """Hold a flow that was one of many before."""
        self._flows[label] = flow
        self._heads += len(flow.halves[0].head) + len(flow.halves[1].head)
        if is_closed(flow):
            self._closed[label] = flow

    def _open(self, groups: Groups, group: int, data: bytes, keys: dict[int, bytes]) -> Flow:
        protocol, side = groups.protocol[group], groups.side[group]
        key = keys.get(groups.row[group]) if keys else None
        if key is None:
            ip, above = groups.ip[group], groups.at[group]
            addresses = data[ip + 12 : ip + 20] if above == ip + 20 else data[ip + 8 : ip + 40]
            key = addresses + data[above : above + 4] + PROTOCOL[protocol]
            if protocol == ICMP:
                key = echo_key(addresses, data[above], data[above + 1 : above + 2], ICMP)
        backward = begins_backward(key, groups.flags[group])
        number = self._count + groups.number[group] + 1
        flow = Flow(turned(key) if backward else key, protocol, groups.time[group], number)
        if side != backward and protocol not in (ICMP, ICMP6):
            flow.side = 1
        flow.named = flow.protocol == UDP and self._is_watched(flow.key)
        return flow

    def _datagrams(self, flow: Flow, groups: Groups, group: int, data: bytes) -> None:
        rows, some = groups.rows, slice(groups.first[group], groups.first[group + 1])
        assert self._datagram is not None
        columns = (rows.start[some], rows.length[some], rows.side[some], rows.time[some])
        for start, length, side, time in zip(*(column.tolist() for column in columns), strict=True):
            if length:
                self._datagram(flow, side ^ flow.side, data[start : start + length], time)

    def _look(self, tap: Tap, groups: Groups, data: bytes) -> list[int]:
        """Let `tap` see the flows that began in this block and are none of a crop; groups of which no packet need be shown."""
        whole = np.minimum.reduceat(groups.rows.ip, groups.first[:-1]) >= 0
        some = [(n, flow) for n, flow in self._begun if whole[n] and flow.protocol in _PLAIN]
        for n, flow in self._begun:
            if not whole[n] or flow.protocol not in _PLAIN:
                flow.look(tap)
        self._begun.clear()
        if not some:
            return []
        which, flows = [n for n, _ in some], [flow for _, flow in some]
        begun, turned = (
            np.array(column, np.int64) for column in zip(*((f.first, f.side) for f in flows), strict=True)
        )
        keys = [flow.key for flow in flows]
        crowd = tap.begin(
            watching.openings(
                keys, begun, ([], []), turned > 0, np.array(which), groups, self._count + 1, data, False
            )
        )
        for row, flow in enumerate(flows):
            flow.watch = crowd.alone(row)
        return [which[row] for row in np.flatnonzero(crowd.waits).tolist()]

    def _show(
        self, groups: Groups, number: Numbers, flows: list[Flow | None], waiting: list[int], data: bytes
    ) -> None:
        """Every packet that matters to who watches its flow, in the order in which they came; but for groups that are `waiting`."""
        rows = groups.rows
        watches = [None if flow is None else flow.watch for flow in flows]
        seen = np.fromiter((one is not None for one in watches), bool, len(watches))
        seen[waiting] = False
        if not seen.any():
            return
        whole = np.fromiter((one is not None and one.whole for one in watches), bool, len(watches))
        at = np.flatnonzero((watching.shown(rows) | whole[number]) & seen[number])
        at = at[np.argsort(rows.number[at], kind="stable")]
        turned = np.fromiter((flow is not None and flow.side for flow in flows), np.int64, len(flows))
        side = rows.side[at] ^ turned[number[at]]
        columns = (column[at] for column in (number, rows.time, rows.number, rows.ip, rows.at, rows.end))
        for way, group, time, count, ip, above, end in zip(
            *(column.tolist() for column in (side, *columns)), strict=True
        ):
            watches[group].take(time, self._count + count + 1, way, data, ip, above, end)

    def _over(self, flow: Flow) -> None:
        if flow.watch is not None:
            flow.watch.finish()
        self._heads -= len(flow.halves[0].head) + len(flow.halves[1].head)
        self._emit(flow)

    def _reap(self, crop: Crop, rows: Numbers) -> None:
        for _, flow in crop.alone(rows):
            if flow.watch is not None:
                flow.watch.finish()
            self._emit(flow)

    def _sweep(self, now: int) -> None:
        """End what is idle; where flows or heads take too much room, what was quiet longest as well."""
        for label, flow in self._crops.sweep(now):
            self._adopt(label, flow)
        over = [label for label, flow in self._closed.items() if is_over(flow, 0, now)]
        for label, flow in self._flows.items():
            if now - flow.last <= IDLE_OTHER:
                break
            if label not in self._closed and is_over(flow, 0, now):
                over.append(label)
        for label in sorted(over, key=lambda label: self._flows[label].number):
            self._end(label)
        if self.held > MAX_FLOWS or self.heads > MAX_HEADS:
            self._make_room()

    def _make_room(self) -> None:
        """End what was quiet longest."""
        most = MAX_FLOWS if self.held <= MAX_FLOWS else 2 * MAX_FLOWS // 3
        heads = MAX_HEADS if self.heads <= MAX_HEADS else 2 * MAX_HEADS // 3
        at, last, size = self._crops.held()
        flows = list(self._flows.items())
        last = np.append(last, np.array([flow.last for _, flow in flows], np.int64))
        own = [len(flow.halves[0].head) + len(flow.halves[1].head) for _, flow in flows]
        size = np.append(size, np.array(own, np.int64))
        order = np.argsort(last, kind="stable")
        enough = (self.held - np.arange(1, len(order) + 1) <= most) & (
            self.heads - np.cumsum(size[order]) <= heads
        )
        gone = order[: int(np.argmax(enough)) + 1]
        self._crops.end(at[gone[gone < len(at)]])
        for n in (gone[gone >= len(at)] - len(at)).tolist():
            self._end(flows[n][0])

    def _end(self, label: int) -> None:
        self._closed.pop(label, None)
        self._over(self._flows.pop(label))


def _between(usual: Rows, odd: Rows, keys: list[bytes]) -> tuple[Rows, dict[int, bytes]]:
    """All rows in the order of their packets, and the keys of the odd ones by where they are now."""
    rows = Rows._make(np.concatenate(pair) for pair in zip(usual, odd, strict=True))
    order = np.argsort(rows.number, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    where = place[len(usual.label) :].tolist()
    return Rows._make(column[order] for column in rows), dict(zip(where, keys, strict=True))


def _read(half: Half, halves: Halves, number: int, payload: Payload, data: bytes, is_tcp: bool) -> None:
    """The bytes of one half that are among its first."""
    begin, end = halves.begin[number], halves.end[number]
    if halves.opening[number] >= 0 and not half.head:
        half.next = halves.opening[number]
    if not is_tcp or (
        halves.straight[number]
        and (begin == end or half.next in (-1, payload.sequence[begin]))
        and not half.pending
    ):
        if begin < end:
            _append(half, data, payload, begin, end)
            half.next = payload.behind[end - 1]
        return
    for at in range(begin, end):
        if payload.opens[at] and not half.head:
            half.next = payload.sequence[at]
        if payload.length[at] and not half.full:
            start = payload.start[at]
            half.segment(payload.sequence[at], data[start : start + payload.length[at]], payload.time[at])


def _append(half: Half, data: bytes, payload: Payload, begin: int, end: int) -> None:
    """Payloads that follow each other; of a long flow no more than can be wanted."""
    start, length = payload.start[begin], payload.length[begin]
    limit = limit_of(data[start : start + length]) if not half.head else half.limit
    room = limit - len(half.head)
    pieces: list[bytes] = []
    for start, length in zip(payload.start[begin:end], payload.length[begin:end], strict=True):
        pieces.append(data[start : start + length])
        room -= length
        if room <= 0:
            break
    end = begin + len(pieces)
    half.append(pieces, payload.length[begin:end], payload.time[begin:end])
