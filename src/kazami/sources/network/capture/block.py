"""Packets of a capture many at a time: where each begins and ends in a stretch of the file, as arrays."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from kazami.sources.network.capture import packets
from kazami.sources.network.capture.packets import BLOCK, MAX_PACKET, PCAP, Reject

Numbers = npt.NDArray[np.int64]

#: Bytes behind the last packet that may be read without looking, and packets of one block.
PAD, MOST = 128, 32_768

#: Bytes of a record's header in a pcap file.
RECORD = 16


class Block(NamedTuple):
    """Packets of one link type: the i-th, captured at ``times[i]`` (microseconds since 1970, UTC), is
    ``data[starts[i]:stops[i]]``; `data` goes on for `PAD` bytes behind the last."""

    data: bytes
    link: int
    times: Numbers
    starts: Numbers
    stops: Numbers


def read(stream: BinaryIO, reject: Reject, progress: Callable[[int], None]) -> Iterator[Block]:
    """All packets of a capture; what cannot be read is told to `reject`, bytes that were read to `progress`."""
    head = stream.read(24)
    if head[:4] in PCAP and len(head) == 24:
        progress(24)
        yield from _pcap(stream, head, reject, progress)
    else:
        yield from _gathered(packets.read(_Ahead(head, stream), reject, progress))  # type: ignore[arg-type]


class _Ahead:
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int) -> bytes:
        """As of a file."""
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._stream.read(size)


def _pcap(stream: BinaryIO, head: bytes, reject: Reject, progress: Callable[[int], None]) -> Iterator[Block]:
    order, divisor = PCAP[head[:4]]
    link = struct.unpack_from(f"{order}I", head, 20)[0] & 0xFFFF
    left, place = b"", 24
    while True:
        piece = stream.read(BLOCK)
        progress(len(piece))
        size = len(left) + len(piece)
        data = b"".join((left, piece, bytes(PAD)))
        found, at, wrong = _records(data, size, order)
        for some in range(0, len(found), MOST):
            yield _block(data, link, found[some : some + MOST], order, divisor)
        if wrong:
            reject(f"byte {place + at}", f"a packet of {wrong} bytes: what follows is not read")
            return
        left, place = data[at:size], place + at
        if not piece:
            break
    if left:
        reject(f"byte {place}", "cut in a packet's header" if len(left) < RECORD else "cut in a packet")


def _records(data: bytes, size: int, order: str) -> tuple[array[int], int, int]:
    """Where whole records begin, where the first that is none does, and its size if that cannot be."""
    found = array("q")
    keep, length = found.append, struct.Struct(f"{order}I").unpack_from
    at, limit = 0, size - RECORD
    while at <= limit:  # whether a packet can be that large is asked of all at once, behind
        keep(at)
        at += RECORD + length(data, at + 8)[0]
    held = np.diff(np.frombuffer(found, np.int64), append=at) - RECORD
    wrong = np.flatnonzero(held > MAX_PACKET)
    if len(wrong):
        first = int(wrong[0])
        return found[:first], found[first], int(held[first])
    if at > size:
        at = found.pop()
    return found, at, 0


def _block(data: bytes, link: int, found: array[int], order: str, divisor: int) -> Block:
    records = np.frombuffer(found, np.int64)
    heads = rows(data, records, RECORD).view(f"{order}u4").astype(np.int64)
    times = heads[:, 0] * 1_000_000 + heads[:, 1] // divisor
    starts = records + RECORD
    return Block(data, link, times, starts, starts + heads[:, 2])


def rows(data: bytes, starts: Numbers, width: int) -> npt.NDArray[np.uint8]:
    """`width` bytes from each of `starts` on, as a matrix."""
    count = len(data) - width + 1
    every: npt.NDArray[np.void] = np.ndarray((count,), np.dtype((np.void, width)), data, 0, (1,))
    return every[starts].view(np.uint8).reshape(len(starts), width)


def _gathered(found: Iterator[packets.Packet]) -> Iterator[Block]:
    """The same packets, those of one stretch and link type in their order together."""
    some: list[packets.Packet] = []
    for packet in found:
        if some and (packet.data is not some[0].data or packet.link != some[0].link or len(some) >= MOST):
            yield _together(some)
            some.clear()
        some.append(packet)
    if some:
        yield _together(some)


def _together(some: list[packets.Packet]) -> Block:
    first, end = some[0].start, some[-1].stop
    data = some[0].data[first:end] + bytes(PAD)
    times, _, _, starts, stops = zip(*some, strict=True)
    return Block(
        data,
        some[0].link,
        np.array(times, np.int64),
        np.array(starts, np.int64) - first,
        np.array(stops, np.int64) - first,
    )
