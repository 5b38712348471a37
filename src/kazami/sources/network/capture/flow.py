"""One flow: counters of both directions, and the first bytes of each in their order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Any

from kazami.model.wire import Tap, Watch

#: First bytes that are kept of one direction: of any flow, of those whose protocol says more later, of mails and files that are the whole of it.
SHORT, LONG, HTTP, SESSION, FILE = 2048, 16384, 65536, 1 << 19, 1 << 19

#: Segments that may wait for what comes before them, and their bytes.
MAX_PENDING, MAX_PENDING_BYTES = 32, 32768

#: Sizes of first payloads that are kept, and places of first bytes whose time is known.
MAX_SIZES, MAX_MARKS = 16, 2048

_WORD = 0xFFFFFFFF

#: How many first bytes are kept, by what they begin with.
STARTS = {
    **dict.fromkeys((b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"CONN", b"DELE", b"PROP", b"PATC", b"HTTP", b"PRI "), HTTP),
    **dict.fromkeys((b"SSH-", b"USER", b"NICK", b"220 ", b"220-", b"AUTH"), LONG),
    **dict.fromkeys((b"\x05\0\x0b\x03", b"\x05\0\x0c\x03", b"\x05\0\0\x03", b"\x05\0\x02\x03"), SESSION),
    **dict.fromkeys((b"EHLO", b"HELO", b"ehlo", b"helo"), FILE),
    **dict.fromkeys((b"MZ\x90\0", b"MZP\0", b"MZ\0\0", b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"Rar!", b"7z\xbc\xaf", b"\x7fELF", b"{\\rt", b"MSCF"), FILE),
}  # fmt: skip
BYTES = {0x05: LONG, 0x6A: LONG, 0x6B: LONG, 0x6C: LONG, 0x6D: LONG, 0x7E: LONG}


class Half:
    """One direction. `head` are first bytes without gaps; `full` says that no more are wanted.

    `marks` are pairs of a place in `head` and the time (microseconds) of the packet that begins there; `syn` is the time and the
    headers of TCP's first packet, `acked` the time of the first that is no SYN, -1 where there was none. There is one object for each
    direction of every flow, most of them short: what was not set costs nothing.
    """

    packets = ip_bytes = payload = flags = 0
    head: bytes | bytearray = b""
    full = False
    limit = SHORT
    next = acked = -1
    syn: tuple[int, bytes] | None = None
    pending: dict[int, tuple[bytes, int]] | None = None
    sizes: list[int] | tuple[int, ...] = ()
    marks: list[tuple[int, int]] | tuple[tuple[int, int], ...] = ()

    def forget(self) -> None:
        """Let go of what was read; the counters stay."""
        self.head, self.sizes, self.marks, self.full = b"", (), (), False

    def begin(self, sequence: int) -> int:
        """A SYN with this number: where its bytes, if it has any, begin."""
        sequence = (sequence + 1) & _WORD
        if not self.head:
            self.next = sequence
        return sequence

    def take(self, data: bytes, time: int = 0) -> None:
        """Bytes that come next, captured at `time`."""
        self.append((data,), (len(data),), (time,))

    def append(self, pieces: Sequence[bytes], lengths: Sequence[int], times: Sequence[int]) -> None:
        """Payloads that come next, each with its length and when it was captured."""
        head = self.head
        have = len(head)
        if not have:
            self.limit = limit_of(pieces[0])
        room = self.limit - have
        if sum(lengths) >= room:
            pieces, lengths = _cut(pieces, lengths, room)
            self.full, self.pending = True, None
        if len(self.sizes) < MAX_SIZES:
            self.sizes = [*self.sizes, *lengths[: MAX_SIZES - len(self.sizes)]]
        if len(self.marks) < MAX_MARKS:
            places = accumulate(lengths[:-1], initial=have)
            if have:
                self.marks = self.marks if isinstance(self.marks, list) else list(self.marks)
                self.marks += zip(places, times, strict=False)
            else:
                self.marks = tuple(zip(places, times, strict=False))
        if have < SHORT:
            self.head = b"".join((head, *pieces)) if have or len(pieces) > 1 else pieces[0]
        else:
            longer = head if isinstance(head, bytearray) else bytearray(head)
            longer += b"".join(pieces)
            self.head = longer

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


def _cut(pieces: Sequence[bytes], lengths: Sequence[int], room: int) -> tuple[list[bytes], list[int]]:
    """So many payloads as fill `room`, the last of them cut, and their lengths as they were."""
    kept: list[bytes] = []
    for piece in pieces:
        kept.append(piece[:room])
        room -= len(piece)
        if room <= 0:
            break
    return kept, list(lengths[: len(kept)])


def limit_of(data: bytes) -> int:
    """How many bytes are kept of a direction that begins so."""
    limit = STARTS.get(data[:4])
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
    return BYTES.get(data[0], SHORT) if data else SHORT


FIN, SYN, RST, ACK = 1, 2, 4, 16
TCP, UDP = 6, 17

#: Microseconds without a packet after which a flow is over: TCP, everything else, and what both sides closed.
IDLE_TCP, IDLE_OTHER, IDLE_CLOSED = 300_000_000, 60_000_000, 5_000_000

#: Ports of servers: who sends from one first answers what was not captured.
SERVERS = frozenset(
    port.to_bytes(2)
    for port in (21, 22, 23, 25, 53, 80, 88, 110, 135, 139, 143, 389, 443, 445, 465, 587, 636, 993, 995, 1080, 3128, 3389, 5355, 5985, 5986, 8080, 8443)
)  # fmt: skip


def begins_backward(key: bytes, flags: int) -> bool:
    """Whether the first packet of a flow that was captured is its server's: it answers a SYN, or is sent from a port
    that is likely a server's, as Zeek has it."""
    if key[-1] == TCP and flags & SYN:
        return bool(flags & ACK)
    return key[-5:-3] in SERVERS and key[-3:-1] not in SERVERS and key[-1] in (TCP, UDP)


def turned(key: bytes) -> bytes:
    """The key of the other direction."""
    half = (len(key) - 5) // 2
    return key[half : 2 * half] + key[:half] + key[-3:-1] + key[-5:-3] + key[-1:]


class Flow:
    """Who spoke with whom: `key` is the originator's side first (addresses, ports, protocol as bytes)."""

    side = 0  # which of the two sides of its label is the originator's (`batch`)
    named = False  # whether its datagrams are looked at one by one
    watch: Watch | None = None
    queries: dict[int, tuple[int, dict[str, Any]]] | None = None  # questions of DNS that wait, and since when
    turn = (
        place
    ) = -1  # when its records were last among those that wait, and the place of the flow there (`record`)

    def __init__(self, key: bytes, protocol: int, time: int, number: int) -> None:
        self.key, self.protocol = key, protocol
        self.first = self.last = time
        self.number = number
        self.halves = (Half(), Half())

    def look(self, tap: Tap | None) -> None:
        """Let `tap` say whether somebody wants to see this flow."""
        if tap is not None:
            half = (len(self.key) - 5) // 2
            addresses = self.key[:half], self.key[half : 2 * half]
            ports = int.from_bytes(self.key[-5:-3]), int.from_bytes(self.key[-3:-1])
            self.watch = tap.open(self.protocol, addresses, ports, self.first)

    def time_at(self, place: int) -> int:
        """When the byte at `place` of the originator's first bytes was captured."""
        marks = self.halves[0].marks
        if not place:
            return marks[0][1] if marks else self.first
        at = bisect_right(marks, place, key=itemgetter(0))
        return marks[at - 1][1] if at else self.first


def is_closed(flow: Flow) -> bool:
    """Whether a connection of TCP was reset, or ended by both sides."""
    first, second = flow.halves[0].flags, flow.halves[1].flags
    return bool((first | second) & RST or first & second & FIN)


def is_over(flow: Flow, flags: int, time: int) -> bool:
    """Whether a packet with these flags of TCP at `time` is no longer of `flow`."""
    idle = time - flow.last
    if flow.protocol != TCP:
        return idle > IDLE_OTHER
    if is_closed(flow):
        begun = (flow.halves[0].flags | flow.halves[1].flags) & SYN  # else what ends may be another's
        return idle > (IDLE_CLOSED if begun else IDLE_OTHER) or flags & (SYN | ACK) == SYN
    return idle > IDLE_TCP
