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

#: Bytes with which a flow may begin that waits because nothing came of an equal one.
LONGEST = 1 << 20


class Crowd:
    """Flows that begin together; `make` makes the session of one."""

    def __init__(self, inspector: Inspector, openings: Openings, make: Callable[..., Watched]) -> None:
        self._inspector, self._make, self._openings = inspector, make, openings
        self._lengths = np.fromiter(map(len, openings.packets), np.int64, len(openings.packets))
        self._seen: list[bytes] = []
        self._known: dict[int, tuple[Found, ...]] = {}  # what is to be told packet by packet
        self._packets: list[bytes] = []  # of each that is not to be looked at, one behind the other
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
            some = slice(*openings.first[row : row + 2])
            self._packets.append(b"".join(openings.packets[some]) if wait or known else b"")
        self.waits = np.array(waits, np.bool_)
        self._due = np.array(due, np.bool_)
        self._openings = openings._replace(packets=[], bodies=[])

    def _sorted(self, row: int, kind: Kind, size: int) -> tuple[bytes, tuple[Found, ...] | None, bool]:
        """The fingerprint of a flow, what is known of such a one, and whether it waits. `size` is what was said, in bytes."""
        inspector, openings = self._inspector, self._openings
        mark = inspector.marks.get(kind)
        if mark is None:
            mark = inspector.mark(self._session(row))
        is_tcp = kind[0] == TCP
        if not mark or size > LONGEST:
            return b"", None, False
        if is_tcp and not size:
            return b"", (), True
        begin, end = openings.first[row : row + 2]
        sides, flags = openings.sides[begin:end], openings.flags[begin:end]
        four = slice(4 * begin, 4 * end)
        sizes = openings.sizes[four] + openings.places[four]
        seen = fingerprint(mark, sides, flags, sizes, openings.bodies[begin:end])
        known = inspector.past.known.get(seen) if inspector.options.remember else None
        if known is not None and not known:
            return seen, known, True
        able = is_tcp and size < STRETCH and not openings.places
        return seen, known, able and inspector.past.calm(sides, flags, openings.loaded[begin:end])

    def alone(self, row: int) -> Watched:
        """One by itself; what waits of it is kept with it."""
        opening = self._opening(row) if self._packets[row] else None
        self._packets[row] = b""
        begin, end = self._openings.first[row : row + 2]
        return self._session(row, opening, self._seen[row], end - begin, self._known.get(row))

    def finish(self, rows: Numbers) -> list[tuple[int, list[Match]]]:
        """Some that wait are over: what was found in them."""
        found = []
        past = self._inspector.past
        for row in rows[self._due[rows]].tolist():
            if past.known.get(self._seen[row]) != ():
                watch = self.alone(row)
                watch.finish()
                found.append((row, watch.found()))
        for row in rows.tolist():
            self._packets[row] = b""
        return found

    def _session(self, row: int, *more: object) -> Watched:
        key = self._openings.keys[row]
        half = (len(key) - 5) // 2
        ports = int.from_bytes(key[-5:-3]), int.from_bytes(key[-3:-1])
        ends = (key[:half], key[half : 2 * half])
        return self._make(self._inspector, key[-1], ends, ports, int(self._openings.begun[row]), *more)

    def _opening(self, row: int) -> Opening:
        some = slice(*self._openings.first[row : row + 2])
        told, whole = self._openings, self._packets[row]
        ends = np.cumsum(self._lengths[some]).tolist()
        packets = [whole[a:b] for a, b in zip([0, *ends], ends, strict=False)]
        times, numbers, above = (column[some].tolist() for column in (told.times, told.numbers, told.above))
        return Opening(times, numbers, above, told.sides[some], packets)


def _sums(numbers: Numbers, first: list[int]) -> list[int]:
    """The sums of what stands between places."""
    ends = np.append(0, np.cumsum(numbers, dtype=np.int64))
    found: list[int] = np.diff(ends[first]).tolist()
    return found
