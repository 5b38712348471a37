"""One flow: counters of both directions, and the first bytes of each in their order."""

from __future__ import annotations

from typing import Any

from kazami.model.wire import Watch

#: First bytes that are kept of one direction: of any flow, and of those whose protocol says more later.
SHORT, LONG = 2048, 16384

#: Segments that may wait for what comes before them, and their bytes.
MAX_PENDING, MAX_PENDING_BYTES = 32, 32768

#: Sizes of first payloads that are kept.
MAX_SIZES = 16

_WORD = 0xFFFFFFFF
_METHODS = (b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"CONN", b"DELE", b"PROP", b"PATC", b"HTTP", b"SSH-")


class Half:
    """One direction. `head` are first bytes without gaps; `full` says that no more are wanted."""

    __slots__ = (
        "flags",
        "full",
        "head",
        "ip_bytes",
        "limit",
        "next",
        "packets",
        "payload",
        "pending",
        "sizes",
    )

    def __init__(self) -> None:
        self.packets = self.ip_bytes = self.payload = self.flags = 0
        self.head = bytearray()
        self.full = False
        self.limit = SHORT
        self.next = -1
        self.pending: dict[int, bytes] | None = None
        self.sizes: list[int] = []

    def take(self, data: bytes) -> None:
        """Bytes that come next."""
        if len(self.sizes) < MAX_SIZES:
            self.sizes.append(len(data))
        head = self.head
        if not head and is_long(data):
            self.limit = LONG
        room = self.limit - len(head)
        head += data[:room]
        if len(data) >= room:
            self.full = True
            self.pending = None

    def segment(self, sequence: int, data: bytes) -> None:
        """A segment of TCP, in any order; where segments overlap, the first that came wins."""
        if self.full:
            return
        if self.next < 0:
            self.next = sequence
        ahead = (sequence - self.next) & _WORD
        if ahead == 0:
            self.take(data)
            self.next = (sequence + len(data)) & _WORD
            if self.pending:
                self._drain()
        elif ahead < 0x80000000:
            self._wait(sequence, data)
        elif (fresh := len(data) - (_WORD + 1 - ahead)) > 0:
            self.segment(self.next, data[-fresh:])

    def _wait(self, sequence: int, data: bytes) -> None:
        pending = self.pending
        if pending is None:
            pending = self.pending = {}
        if len(pending) >= MAX_PENDING or sum(map(len, pending.values())) + len(data) > MAX_PENDING_BYTES:
            self.full = True  # a gap that is not filled: what was read before it stays
            self.pending = None
        else:
            pending.setdefault(sequence, data)

    def _drain(self) -> None:
        while self.pending:
            ready = [s for s in self.pending if (s - self.next) & _WORD >= 0x80000000 or s == self.next]
            if not ready:
                return
            sequence = ready[0]
            data = self.pending.pop(sequence)
            fresh = len(data) - ((self.next - sequence) & _WORD)
            if fresh > 0:
                self.take(data[-fresh:])
                self.next = (self.next + fresh) & _WORD


def is_long(data: bytes) -> bool:
    """Whether a direction that begins so is read on for longer: TLS, HTTP, SSH, SMB, DCE/RPC, Kerberos, RDP."""
    return (
        (data[:1] == b"\x16" and data[1:2] == b"\x03")
        or data[:4] in _METHODS
        or data[4:8] in (b"\xfeSMB", b"\xffSMB")
        or data[:2] == b"\x05\x00"
    )


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
