"""One flow: counters of both directions, and the first bytes of each in their order."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import Any

from kazami.model.wire import Watch

#: First bytes that are kept of one direction: of any flow, and of those whose protocol says more later.
SHORT, LONG, HTTP, SESSION = 2048, 16384, 65536, 262144

#: Segments that may wait for what comes before them, and their bytes.
MAX_PENDING, MAX_PENDING_BYTES = 32, 32768

#: Sizes of first payloads that are kept, and places of first bytes whose time is known.
MAX_SIZES, MAX_MARKS = 16, 2048

_WORD = 0xFFFFFFFF
_STARTS = {
    **dict.fromkeys((b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"CONN", b"DELE", b"PROP", b"PATC", b"HTTP"), HTTP),
    **dict.fromkeys((b"SSH-", b"EHLO", b"HELO", b"USER", b"NICK", b"220 ", b"220-", b"AUTH"), LONG),
    **dict.fromkeys((b"\x05\0\x0b\x03", b"\x05\0\x0c\x03", b"\x05\0\0\x03", b"\x05\0\x02\x03"), SESSION),
}  # fmt: skip
_BYTES = {0x05: LONG, 0x6A: LONG, 0x6B: LONG, 0x6C: LONG, 0x6D: LONG, 0x7E: LONG}


class Half:
    """One direction. `head` are first bytes without gaps; `full` says that no more are wanted.

    `marks` are pairs of a place in `head` and the time (microseconds) of the packet that begins there; `syn` is the time and the
    headers of TCP's first packet, `acked` the time of the next one, -1 where there was none.
    """

    __slots__ = ("acked", "flags", "full", "head", "ip_bytes", "limit", "marks", "next", "packets", "payload", "pending", "sizes", "syn")  # fmt: skip

    def __init__(self) -> None:
        self.packets = self.ip_bytes = self.payload = self.flags = 0
        self.head = bytearray()
        self.full = False
        self.limit = SHORT
        self.next = self.acked = -1
        self.syn: tuple[int, bytes] | None = None
        self.pending: dict[int, tuple[bytes, int]] | None = None
        self.sizes: list[int] = []
        self.marks: list[tuple[int, int]] = []

    def take(self, data: bytes, time: int = 0) -> None:
        """Bytes that come next, captured at `time`."""
        if len(self.sizes) < MAX_SIZES:
            self.sizes.append(len(data))
        head = self.head
        if not head:
            self.limit = limit_of(data)
        if len(self.marks) < MAX_MARKS:
            self.marks.append((len(head), time))
        room = self.limit - len(head)
        head += data[:room]
        if len(data) >= room:
            self.full = True
            self.pending = None

    def segment(self, sequence: int, data: bytes, time: int = 0) -> None:
        """A segment of TCP, in any order; where segments overlap, the first that came wins."""
        if self.full:
            return
        if self.next < 0:
            self.next = sequence
        ahead = (sequence - self.next) & _WORD
        if ahead == 0:
            self.take(data, time)
            self.next = (sequence + len(data)) & _WORD
            if self.pending:
                self._drain()
        elif ahead < 0x80000000:
            self._wait(sequence, data, time)
        elif (fresh := len(data) - (_WORD + 1 - ahead)) > 0:
            self.segment(self.next, data[-fresh:], time)

    def _wait(self, sequence: int, data: bytes, time: int) -> None:
        pending = self.pending
        if pending is None:
            pending = self.pending = {}
        waiting = sum(len(piece) for piece, _ in pending.values())
        if len(pending) >= MAX_PENDING or waiting + len(data) > MAX_PENDING_BYTES:
            self.full = True  # a gap that is not filled: what was read before it stays
            self.pending = None
        else:
            pending.setdefault(sequence, (data, time))

    def _drain(self) -> None:
        while self.pending:
            ready = [s for s in self.pending if (s - self.next) & _WORD >= 0x80000000 or s == self.next]
            if not ready:
                return
            sequence = ready[0]
            data, time = self.pending.pop(sequence)
            fresh = len(data) - ((self.next - sequence) & _WORD)
            if fresh > 0:
                self.take(data[-fresh:], time)
                self.next = (self.next + fresh) & _WORD


def limit_of(data: bytes) -> int:
    """How many bytes are kept of a direction that begins so."""
    limit = _STARTS.get(data[:4])
    if limit is not None:
        return limit
    if data[4:8] in (b"\xfeSMB", b"\xffSMB"):
        return SESSION
    if (
        data[:2] in (b"\x16\x03", b"\x03\0")
        or data[4:5] in (b"\x6a", b"\x6c")
        or (len(data) >= 1200 and data[0] >= 0xC0)
    ):
        return LONG  # TLS, RDP, Kerberos, QUIC
    return _BYTES.get(data[0], SHORT) if data else SHORT


class Flow:
    """Who spoke with whom: `key` is the originator's side first (addresses, ports, protocol as bytes)."""

    __slots__ = ("first", "halves", "key", "last", "number", "protocol", "queries", "watch")

    def __init__(self, key: bytes, protocol: int, time: int, number: int) -> None:
        self.key, self.protocol = key, protocol
        self.first = self.last = time
        self.number = number
        self.watch: Watch | None = None
        self.halves = (Half(), Half())
        self.queries: dict[int, dict[str, Any]] | None = None  # questions of DNS that wait for their answer

    def time_at(self, place: int) -> int:
        """When the byte at `place` of the originator's first bytes was captured."""
        marks = self.halves[0].marks
        at = bisect_right(marks, place, key=itemgetter(0))
        return marks[at - 1][1] if at else self.first
