"""Packets of pcap and pcapng files, one after the other, in bounded memory.

After draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Numbers are in the byte order that the file says; times become microseconds.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, NamedTuple

#: Bytes that are read at a time, and of the largest packet or block that is believed.
BLOCK, MAX_PACKET, MAX_BLOCK = 4 << 20, 1 << 18, 1 << 24

#: Seconds that an interface may add to its times: some 190 years.
_OFFSET = 6_000_000_000

#: Microseconds from 1970 to the end of the calendar: what lies beyond is no time.
_LAST = 253_402_300_800_000_000

#: Interfaces of one section of a pcapng file.
MAX_INTERFACES = 10_000

PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1), b"\xa1\xb2\xc3\xd4": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1000), b"\xa1\xb2\x3c\x4d": (">", 1000),
}  # fmt: skip

#: How captures begin that editcap makes readable.
FOREIGN = {
    b"\x34\xcd\xb2\xa1": "a capture of an old, changed libpcap",
    b"\xa1\xb2\xcd\x34": "a capture of an old, changed libpcap",
    b"snoop\0\0\0": "a capture of snoop",
}
PCAPNG = b"\x0a\x0d\x0d\x0a"
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6

#: Called with place and reason.
Reject = Callable[[str, str], None]


class Packet(NamedTuple):
    """A frame of a link type: `data[start:stop]`, captured at `time` (microseconds since 1970, UTC)."""

    time: int
    link: int
    data: bytes
    start: int
    stop: int


def read(stream: BinaryIO, reject: Reject, progress: Callable[[int], None]) -> Iterator[Packet]:
    """All packets of a capture; what cannot be read is told to `reject`, bytes that were read to `progress`."""
    head = stream.read(24)
    progress(len(head))
    if head[:4] in PCAP:
        yield from _pcap(_Window(stream, progress), head, reject)
    elif head[:4] == PCAPNG:
        yield from _pcapng(_Window(stream, progress, head), reject)
    elif head:
        foreign = next(
            (
                f"{said}, not read: editcap makes it readable"
                for mark, said in FOREIGN.items()
                if head.startswith(mark)
            ),
            "",
        )
        reject("byte 0", foreign or "not a capture (pcap or pcapng)")


class _Window:
    """A stretch of the file that moves on: `data` from `place` of the file, `at` is where to go on."""

    def __init__(self, stream: BinaryIO, progress: Callable[[int], None], data: bytes = b"") -> None:
        self._stream, self._progress = stream, progress
        self.data, self.at, self.place = data, 0, 0 if data else 24

    def needs(self, size: int) -> bool:
        """Whether `size` bytes are there, after reading on if need be."""
        if len(self.data) - self.at >= size:
            return True
        piece = self._stream.read(max(BLOCK, size))
        self._progress(len(piece))
        self.place += self.at
        self.data, self.at = self.data[self.at :] + piece, 0
        return len(self.data) >= size


def _pcap(window: _Window, head: bytes, reject: Reject) -> Iterator[Packet]:
    if len(head) < 24:
        reject("byte 0", "cut in its header")
        return
    order, divisor = PCAP[head[:4]]
    link = struct.unpack_from(f"{order}I", head, 20)[0] & 0xFFFF
    unpack = struct.Struct(f"{order}IIII").unpack_from
    while window.needs(16):
        data, at = window.data, window.at
        limit = len(data) - 16
        while at <= limit:
            seconds, fraction, size, _ = unpack(data, at)
            stop = at + 16 + size
            if size > MAX_PACKET or stop > len(data):
                break
            yield Packet(seconds * 1_000_000 + fraction // divisor, link, data, at + 16, stop)
            at = stop
        window.at = at
        if at <= limit and not _more(window, size, reject):
            return
    if len(window.data) > window.at:
        reject(f"byte {window.place + window.at}", "cut in a packet's header")


def _more(window: _Window, size: int, reject: Reject) -> bool:
    place = f"byte {window.place + window.at}"
    if size > MAX_PACKET:
        reject(place, f"a packet of {size} bytes: what follows is not read")
        return False
    if not window.needs(16 + size):
        reject(place, "cut in a packet")
        return False
    return True


class _Section:
    """What a section of a pcapng file has said: byte order, and its interfaces (link type, ticks a second, snap length, seconds to add)."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.interfaces: list[tuple[int, int, int, int]] = []

    def interface(self, body: bytes) -> None:
        link, _, snap = struct.unpack_from(f"{self.order}HHI", body)
        ticks, offset = 1_000_000, 0
        at = 8
        while at + 4 <= len(body):
            code, size = struct.unpack_from(f"{self.order}HH", body, at)
            if code == 9 and size == 1 and at + 5 <= len(body):
                power = body[at + 4]
                ticks = 2 ** (power & 63) if power & 0x80 else 10 ** min(power, 18)
            if code == 14 and size == 8 and at + 12 <= len(body):
                offset = struct.unpack_from(f"{self.order}q", body, at + 4)[0]
            if code == 0:
                break
            at += 4 + size + -size % 4
        if len(self.interfaces) < MAX_INTERFACES:
            self.interfaces.append((link, ticks, snap, max(-_OFFSET, min(offset, _OFFSET))))


def _pcapng(window: _Window, reject: Reject) -> Iterator[Packet]:
    section: _Section | None = None
    timeless = False
    while window.needs(12):
        data, at = window.data, window.at
        place = f"byte {window.place + at}"
        if data[at : at + 4] == PCAPNG:
            order = _ORDERS.get(data[at + 8 : at + 12])
            if order is None:
                reject(place, "a section whose byte order is none")
                return
            section = _Section(order)
        if section is None:
            reject(place, "a block before its section")
            return
        kind, size = struct.unpack_from(f"{section.order}II", data, at)
        if size < 12 or size > MAX_BLOCK or size % 4:
            reject(place, f"a block of {size} bytes: what follows is not read")
            return
        if not window.needs(size):
            reject(place, "cut in a block")
            return
        if kind == _SIMPLE and not timeless:
            timeless = True
            reject(place, "packets without a time (simple packet blocks): they stand at 1970-01-01")
        packet = _block(
            section,
            kind,
            window.data,
            window.at + 8,
            window.at + size - 4,
            partial(reject, place),
        )
        window.at += size
        if packet is not None:
            yield packet
    if len(window.data) > window.at:
        reject(f"byte {window.place + window.at}", "cut in a block")


def _block(
    section: _Section, kind: int, data: bytes, start: int, stop: int, wrong: Callable[[str], None]
) -> Packet | None:
    size = stop - start
    if kind == _INTERFACE:
        if size < 8:
            wrong("an interface that is cut")
        else:
            section.interface(data[start:stop])
        return None
    if kind not in (_ENHANCED, _SIMPLE, _PACKET):
        return None
    if size < (4 if kind == _SIMPLE else 20):
        wrong("a packet's block that is too short")
        return None
    if kind == _SIMPLE:
        number, time, length, at = 0, 0, struct.unpack_from(f"{section.order}I", data, start)[0], start + 4
    else:
        form = "IIIII" if kind == _ENHANCED else "HHIIII"
        numbers = struct.unpack_from(section.order + form, data, start)
        number, (high, low, length, _) = numbers[0], numbers[-4:]
        time, at = high << 32 | low, start + 20
    if number >= len(section.interfaces):
        wrong("a packet of an interface that was not described")
        return None
    link, ticks, snap, offset = section.interfaces[number]
    length = min(length, stop - at, snap or MAX_PACKET) if kind == _SIMPLE else length
    if length > stop - at:
        wrong("a packet that is longer than its block")
        return None
    time = time * 1_000_000 // ticks + offset * 1_000_000
    if time >= _LAST:
        wrong("a packet whose time no calendar has: it stands at 1970-01-01")
        time = 0
    return Packet(time, link, data, at, at + length)
