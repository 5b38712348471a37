"""Flows that begin together, as rows: an object is made only of one that must be looked at.

A fingerprint is made of all that a flow begins with. It waits as a row where nothing of it need be looked at before it is over, or where an
equal one was looked at and nothing came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from kazami.detect.network.suricata.inspector import Inspector
from kazami.detect.network.suricata.kind import Kind, kinds
from kazami.detect.network.suricata.opening import Found, Opening, fingerprint
from kazami.detect.network.suricata.packet import TCP
from kazami.detect.network.suricata.session import STRETCH
from kazami.model.wire import Match, Numbers, Openings

if TYPE_CHECKING:
    from kazami.detect.network.suricata.tap import Watched

#: Bytes with which a flow may begin that is not looked at because an equal one was; and of all such flows that are longer than a stretch.
LONGEST, MAX_HELD = 1 << 20, 32 << 20


class Crowd:
    """Flows that begin together; `make` makes the session of one."""

    def __init__(self, inspector: Inspector, openings: Openings, make: Callable[..., Watched]) -> None:
        self._inspector, self._make, self._openings = inspector, make, openings
        self._seen: list[int | None] = []
        self._known: dict[int, tuple[Found, ...]] = {}  # what is to be told packet by packet
        self._packets: dict[int, list[bytes]] = {}  # once the block is no longer at hand
        self._long: dict[int, int] = {}  # bytes of those that are longer than a stretch
        waits, due = [], []
        said = _sums(np.frombuffer(openings.sizes, np.uint32), openings.first)
        each = kinds(inspector.plan, openings.keys)
        for row, (kind, size) in enumerate(zip(each, said, strict=True)):
            seen, known, wait = self._sorted(row, kind, size)
            self._seen.append(seen)
            if known and not wait:
                self._known[row] = known
            waits.append(wait)
            due.append(wait and known != ())
        self.waits = np.array(waits, np.bool_)
        self._due = np.array(due, np.bool_)
        self._held = self.waits.copy()
        self._held[list(self._known)] = True
        self._openings = openings._replace(said=([], []))

    def _sorted(self, row: int, kind: Kind, size: int) -> tuple[int | None, tuple[Found, ...] | None, bool]:
        """The fingerprint of a flow, what is known of such a one, and whether it waits. `size` is what was said, in bytes."""
        inspector, openings = self._inspector, self._openings
        mark = inspector.marks.get(kind)
        if mark is None:
            mark = inspector.mark(self._session(row))
        is_tcp = kind[0] == TCP
        if not mark or size > LONGEST:
            return None, None, False
        if is_tcp and not size:
            return None, (), True
        begin, end = openings.first[row], openings.first[row + 1]
        sides, flags = openings.sides[begin:end], openings.flags[begin:end]
        seen = known = None
        if inspector.options.remember:
            sizes, places = (each[4 * begin : 4 * end] for each in (openings.sizes, openings.places))
            seen = fingerprint(mark, sides, flags, sizes, places, *self._said(row, size))
            known = self._keep(row, size, inspector.past.known.get(seen))
        if known == ():
            return seen, known, True
        able = is_tcp and size < STRETCH and not openings.places
        return seen, known, able and inspector.past.calm(sides, flags, openings.loaded[begin:end])

    def _keep(self, row: int, size: int, known: tuple[Found, ...] | None) -> tuple[Found, ...] | None:
        """What is known of a flow, if there is room for it to wait."""
        past = self._inspector.past
        if known is not None and size >= STRETCH:
            if past.held + size > MAX_HELD:
                return None
            past.held += size
            self._long[row] = size
        return known

    def _said(self, row: int, size: int) -> tuple[bytes, bytes]:
        """All that was said in both directions."""
        told = self._openings
        near, far = told.said
        if near and len(near[row]) + len(far[row]) == size:
            return near[row], far[row]
        some = slice(*told.first[row : row + 2])
        places = zip(told.sides[some], told.start[some].tolist(), told.end[some].tolist(), strict=True)
        sides: tuple[list[bytes], list[bytes]] = ([], [])
        for side, start, end in places:
            sides[side].append(told.data[start:end])
        return b"".join(sides[0]), b"".join(sides[1])

    def settle(self) -> None:
        """Let go of the block: keep the packets of those that are not over."""
        for row in np.flatnonzero(self._held).tolist():
            self._packets[row] = self._cut(row)
        self._openings = self._openings._replace(data=b"")

    def _cut(self, row: int) -> list[bytes]:
        told, some = self._openings, slice(*self._openings.first[row : row + 2])
        places = zip(told.ip[some].tolist(), told.end[some].tolist(), strict=True)
        return [told.data[ip:end] for ip, end in places]

    def alone(self, row: int) -> Watched:
        """One by itself; what waits of it is kept with it."""
        opening = self._opening(row) if self._held[row] else None
        begin, end = self._openings.first[row : row + 2]
        watch = self._session(row, opening, self._seen[row], end - begin, self._known.get(row))
        watch.held = self._long.pop(row, 0)
        return watch

    def finish(self, rows: Numbers) -> list[tuple[int, list[Match]]]:
        """Some that wait are over, which are looked at in the order in which they began: what was found in them."""
        found = []
        past, told = self._inspector.past, self._openings
        due = rows[self._due[rows]].tolist()
        for row in sorted(due, key=lambda row: int(told.numbers[told.first[row]])):
            seen = self._seen[row]
            if seen is None or past.known.get(seen) != ():
                watch = self.alone(row)
                watch.finish()
                found.append((row, watch.found()))
        self._held[rows] = False
        if self._long:
            past.held -= sum(self._long.pop(row, 0) for row in rows.tolist())
        if self._packets:
            for row in rows.tolist():
                self._packets.pop(row, None)
        return found

    def _session(self, row: int, *more: object) -> Watched:
        key = self._openings.keys[row]
        half = (len(key) - 5) // 2
        ports = int.from_bytes(key[-5:-3]), int.from_bytes(key[-3:-1])
        ends = (key[:half], key[half : 2 * half])
        return self._make(self._inspector, key[-1], ends, ports, int(self._openings.begun[row]), *more)

    def _opening(self, row: int) -> Opening:
        """What waits of one, which is held here no longer."""
        told, some = self._openings, slice(*self._openings.first[row : row + 2])
        self._held[row] = False
        packets = self._packets.pop(row, None) or self._cut(row)
        times, numbers, above = (
            column[some].tolist() for column in (told.times, told.numbers, told.above - told.ip)
        )
        return Opening(times, numbers, above, told.sides[some], packets)


def _sums(numbers: Numbers, first: list[int]) -> list[int]:
    """The sums of what stands between places."""
    ends = np.append(0, np.cumsum(numbers, dtype=np.int64))
    found: list[int] = np.diff(ends[first]).tolist()
    return found
