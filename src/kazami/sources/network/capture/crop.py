"""Flows that began in one block and of which no more came since, as columns: most flows never are anything else.

One of them becomes a `Flow` of its own when more comes of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

from kazami.model.wire import Crowd
from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.flow import (
    ACK,
    FIN,
    IDLE_CLOSED,
    IDLE_OTHER,
    IDLE_TCP,
    MAX_SIZES,
    RST,
    SYN,
    TCP,
    Flow,
    Half,
)
from kazami.sources.network.capture.header import Flags, Words

#: Of a crop of which no larger share is left, the flows become flows of their own, and it is let go.
LEFT = 1 / 8

#: Bits of a row's number in a crop.
_BITS = 20
_ROW = (1 << _BITS) - 1


class Pieces(NamedTuple):
    """Packets whose bytes are among the first of their direction: lengths, times, and their places there."""

    length: Numbers
    time: Numbers
    place: Numbers


class Side(NamedTuple):
    """One direction of all flows of a crop, an entry each: what a `Half` says. ``begin`` and ``end`` are where its packets stand
    among `Pieces`, ``opened`` and ``syn`` the time (-1 where there was none) and the headers of its SYN."""

    packets: Numbers
    ip_bytes: Numbers
    payload: Numbers
    flags: Numbers
    acked: Numbers
    next: Numbers
    limit: Numbers
    full: Flags
    begin: Numbers
    end: Numbers
    opened: Numbers
    syn: list[bytes]
    head: list[bytes]

    def taken(self, places: Numbers) -> Side:
        """Those at `places`."""
        listed = places.tolist()
        texts = [[column[n] for n in listed] for column in (self.syn, self.head)]
        return Side._make([*(column[places] for column in self[:-2]), *texts])

    def halves(self, rows: Numbers, pieces: Pieces) -> Iterator[Half]:
        """Those of some flows, each by itself."""
        columns = [column[rows].tolist() for column in self[:-2]]
        for row, packets, ip_bytes, payload, flags, acked, following, limit, full, begin, end, opened in zip(
            rows.tolist(), *columns, strict=True
        ):
            half = Half()
            half.packets, half.ip_bytes, half.payload, half.flags = packets, ip_bytes, payload, flags
            half.acked, half.next = acked, following
            if opened >= 0:
                half.syn = opened, self.syn[row]
            if end > begin:
                half.limit, half.full, half.head = limit, full, self.head[row]
                half.sizes = tuple(pieces.length[begin : min(end, begin + MAX_SIZES)].tolist())
                times = pieces.time[begin:end].tolist()
                half.marks = tuple(zip(pieces.place[begin:end].tolist(), times, strict=True))
            yield half


@dataclass(slots=True, eq=False)
class Crop:
    """Flows as columns, an entry each. `turned` are those whose originator is the second side of their label, `size` bytes of their
    heads; `alive` are those that are not over, and no flows of their own."""

    keys: list[bytes]
    label: Words
    protocol: Numbers
    first: Numbers
    last: Numbers
    number: Numbers
    turned: Flags
    near: Side
    far: Side
    pieces: Pieces
    size: Numbers
    known: dict[int, Flow] = field(
        default_factory=dict
    )  # by row, those that are objects by now, but for their halves
    watch: Crowd | None = None  # who looks on
    listed: tuple[list[int], ...] | None = None  # what `times` looks up, once it is asked for
    alive: Flags = field(init=False)
    closed: Flags = field(init=False)  # by both sides
    patience: Numbers = field(init=False)  # microseconds without a packet after which each is over

    def __post_init__(self) -> None:
        either, both = self.near.flags | self.far.flags, self.near.flags & self.far.flags
        is_tcp = self.protocol == TCP
        self.closed = is_tcp & ((either & RST | both & FIN) != 0)
        closing = np.where(either & SYN != 0, IDLE_CLOSED, IDLE_OTHER)
        self.patience = np.where(is_tcp, np.where(self.closed, closing, IDLE_TCP), IDLE_OTHER)
        self.alive = np.ones(len(self.keys), np.bool_)

    def over(self, rows: Numbers, flags: Numbers, times: Numbers) -> Flags:
        """`flow.is_over` of rows."""
        anew = self.closed[rows] & (flags & (SYN | ACK) == SYN)
        found: Flags = anew | (times - self.last[rows] > self.patience[rows])
        return found

    def bare(self, rows: Numbers) -> Iterator[Flow]:
        """Some of them as objects without halves."""
        columns = (self.protocol, self.first, self.last, self.number, self.turned)
        for row, protocol, first, last, number, turned in zip(
            rows.tolist(), *(column[rows].tolist() for column in columns), strict=True
        ):
            flow = self.known.get(row)
            if flow is None:
                flow = Flow.__new__(Flow)
                flow.key, flow.protocol, flow.number, flow.first, flow.last = (
                    self.keys[row],
                    protocol,
                    number,
                    first,
                    last,
                )
                if turned:
                    flow.side = 1
            yield flow

    def flows(self, rows: Numbers) -> Iterator[Flow]:
        """Some of them, each by itself."""
        halves = zip(self.near.halves(rows, self.pieces), self.far.halves(rows, self.pieces), strict=True)
        for flow, both in zip(self.bare(rows), halves, strict=True):
            flow.halves = both
            yield flow

    def alone(self, rows: Numbers) -> Iterator[tuple[int, Flow]]:
        """Some of them, no longer held here, with their labels."""
        self.alive[rows] = False
        for row, label, flow in zip(rows.tolist(), self.label[rows].tolist(), self.flows(rows), strict=True):
            if self.watch is not None:
                flow.watch = self.watch.alone(row)
            yield label, flow

    @property
    def begun(self) -> Numbers:
        """When the first bytes of each originator were captured, or the flow began."""
        times = np.append(self.pieces.time, 0)
        return np.where(self.near.end > self.near.begin, times[self.near.begin], self.first)

    def times(self, row: int, places: list[int]) -> list[int]:
        """When the bytes at `places` of a flow's first bytes from its originator were captured (`Flow.time_at`)."""
        if self.listed is None:
            columns = (self.pieces.place, self.pieces.time, self.near.begin, self.near.end)
            self.listed = tuple(column.tolist() for column in columns)
        known, times, begins, ends = self.listed
        begin, end = begins[row], ends[row]
        if begin == end:
            return [self.first[row].item()] * len(places)
        if end - begin == 1:
            return [times[begin]] * len(places)
        return [times[bisect_right(known, place, begin, end) - 1] for place in places]

    def forget(self, rows: Numbers) -> None:
        """Let go of what was read of these rows."""
        self.release(rows)
        self.listed = None
        self.size[rows] = 0
        for side in (self.near, self.far):
            side.end[rows], side.full[rows] = side.begin[rows], False

    def release(self, rows: Numbers) -> None:
        """Let go of these rows' first bytes."""
        near, far = self.near.head, self.far.head
        for row in rows.tolist():
            near[row] = far[row] = b""


#: Is given rows of a crop that are over.
Reap: TypeAlias = Callable[[Crop, Numbers], None]


class Crops:
    """Flows that are held as columns; those that are over are handed to `reap`."""

    def __init__(self, reap: Reap) -> None:
        self._reap = reap
        self._crops: dict[int, Crop] = {}
        self._rows: dict[int, int] = {}  # by label: number of the crop, and the row there
        self._turn = 0
        self.heads = 0  # bytes of first bytes

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, crop: Crop) -> None:
        """Hold the flows of a crop that are alive; labels that are held must be over."""
        rows = np.flatnonzero(crop.alive)
        if not len(rows):
            return
        first = self._turn << _BITS
        self._crops[self._turn] = crop
        self._rows.update(zip(crop.label[rows].tolist(), (first + rows).tolist(), strict=True))
        self._turn += 1
        self.heads += int(crop.size[rows].sum())

    def busy(self, labels: list[int], flags: Numbers, times: Numbers) -> Flags:
        """Which of these labels have a flow that goes on when such a packet comes; what is over is handed on."""
        known = self._rows
        found = np.zeros(len(labels), np.bool_)
        at = np.array([known.get(label, -1) for label in labels], np.int64)
        held = np.flatnonzero(at >= 0)
        for turn, some in self._by_crop(at[held]):
            rows, where = at[held[some]] & _ROW, held[some]
            over = self._crops[turn].over(rows, flags[where], times[where])
            found[where[~over]] = True
            self._end(turn, rows[over])
        return found

    @staticmethod
    def _by_crop(at: Numbers) -> Iterator[tuple[int, Numbers]]:
        turns = at >> _BITS
        for turn in np.unique(turns).tolist():
            yield turn, np.flatnonzero(turns == turn)

    def is_closed(self, label: int) -> bool:
        """Whether both sides closed the flow of a label."""
        at = self._rows.get(label)
        return at is not None and bool(self._crops[at >> _BITS].closed[at & _ROW])

    def take(self, label: int) -> Flow | None:
        """The flow of a label, which is no longer held here; None where there is none."""
        at = self._rows.get(label)
        if at is None:
            return None
        [(_, flow)] = self._alone(self._crops[at >> _BITS], np.array([at & _ROW]))
        return flow

    def _alone(self, crop: Crop, rows: Numbers) -> Iterator[tuple[int, Flow]]:
        """Rows of a crop as flows of their own that are not held here, with their labels."""
        self.heads -= int(crop.size[rows].sum())
        for label, flow in crop.alone(rows):
            del self._rows[label]
            yield label, flow
        crop.release(rows)

    def sweep(self, now: int) -> Iterator[tuple[int, Flow]]:
        """End what was silent for too long at `now`; gives what is too little to stay here, with its label."""
        for turn, crop in list(self._crops.items()):
            rows = np.flatnonzero(crop.alive)
            self._end(turn, rows[crop.over(rows, np.zeros(len(rows), np.int64), np.full(len(rows), now))])
            left = np.flatnonzero(crop.alive)
            if len(left) <= LEFT * len(crop.keys):
                yield from self._alone(crop, left)
                del self._crops[turn]

    def held(self) -> tuple[Numbers, Numbers, Numbers]:
        """Where all rows are, when the last packet of each came, and bytes of its first bytes."""
        at = np.fromiter(self._rows.values(), np.int64, len(self._rows))
        last, size = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
        for turn, some in self._by_crop(at):
            crop, rows = self._crops[turn], at[some] & _ROW
            last[some], size[some] = crop.last[rows], crop.size[rows]
        return at, last, size

    def end(self, at: Numbers) -> None:
        """End flows, of `held`."""
        for turn, some in self._by_crop(at):
            self._end(turn, np.sort(at[some] & _ROW))

    def finish(self) -> Iterator[None]:
        """End all, a step for each crop."""
        for turn, crop in self._crops.items():
            self._end(turn, np.flatnonzero(crop.alive))
            yield
        self._crops.clear()

    def _end(self, turn: int, rows: Numbers) -> None:
        if not len(rows):
            return
        crop = self._crops[turn]
        crop.alive[rows] = False
        self.heads -= int(crop.size[rows].sum())
        for label in crop.label[rows].tolist():
            del self._rows[label]
        self._reap(crop, rows)
        crop.release(rows)
