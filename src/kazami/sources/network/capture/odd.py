"""Packets that are not of the usual kind, opened one by one, as rows among those that `header` reads at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kazami.sources.network.capture import header
from kazami.sources.network.capture.block import PAD, Block, Numbers
from kazami.sources.network.capture.flow import SYN, TCP, UDP
from kazami.sources.network.capture.header import Rows, Words
from kazami.sources.network.capture.unwrap import Unwrapper


class _Row(NamedTuple):
    key: bytes
    side: int  # of ICMP, whose key says no direction; else -1
    number: int
    time: int
    protocol: int
    ip: int
    at: int
    end: int
    size: int
    start: int
    length: int
    carried: int
    sequence: int
    flags: int


class Odd(Unwrapper):
    """Opens the odd packets of a block. What was put together from fragments is laid behind the block's own bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[_Row] = []
        self._number = 0
        self._data = b""
        self._behind: list[bytes] = []
        self._size = 0

    def rows(self, block: Block, places: Numbers) -> tuple[Rows | None, list[bytes], bytes]:
        """Rows of the packets at `places`, their keys, and the bytes that all rows of the block refer to."""
        self._data, self._size = block.data, len(block.data)
        for number in places.tolist():
            self._number = number
            self.unwrap(
                int(block.times[number]),
                block.link,
                block.data,
                int(block.starts[number]),
                int(block.stops[number]),
            )
        found, self._rows = self._rows, []
        data = b"".join((block.data, *self._behind, bytes(PAD))) if self._behind else block.data
        self._data = b""
        self._behind.clear()
        return (_table(found) if found else None), [row.key for row in found], data

    def _echo(
        self, time: int, key: bytes, protocol: int, data: bytes, at: int, end: int, size: int, side: int
    ) -> None:
        place = self._number, time, protocol, self._ip_at, at, end, size, at + 8
        self._keep(
            _Row(key, side, *place, max(0, end - at - 8), max(0, self._said(end, size) - at - 8), 0, 0), data
        )

    def _transport(
        self, time: int, key: bytes, protocol: int, data: bytes, at: int, end: int, size: int, depth: int
    ) -> None:
        start, sequence, flags = at, 0, 0
        said = self._said(end, size)
        length, carried = max(0, end - at), max(0, said - at)
        if protocol == TCP:
            flags = data[at + 13] if at + 14 <= end else 0
            start, length, carried, sequence = at + 20, 0, 0, -1  # cut before its number, if it is
            if at + 20 <= end:
                start = at + (data[at + 12] >> 4) * 4
                if start >= at + 20:
                    length, carried = max(0, end - start), max(0, said - start)
                sequence = (int.from_bytes(data[at + 4 : at + 8]) + bool(flags & SYN)) & 0xFFFFFFFF
        elif protocol == UDP:
            start, length, carried = at + 8, max(0, end - at - 8), max(0, said - at - 8)
        place = self._number, time, protocol, self._ip_at, at, end, size, start
        self._keep(_Row(key, -1, *place, length, carried, sequence, flags), data)
        if protocol == UDP and length:
            self._tunnel(time, key, data, start, end, depth)

    def _keep(self, row: _Row, data: bytes) -> None:
        if data is not self._data:
            move = self._size
            self._behind.append(data)
            self._size += len(data)
            row = row._replace(ip=-1, at=row.at + move, end=row.end + move, start=row.start + move)
        self._rows.append(row)


def _table(found: list[_Row]) -> Rows:
    numbers = np.array([row[1:] for row in found], np.int64).T
    ports = np.array(
        [(int.from_bytes(row.key[-5:-3]), int.from_bytes(row.key[-3:-1])) for row in found], np.uint64
    )
    ends = np.empty((len(found), 2), np.uint64)
    for size in {len(row.key) for row in found}:
        chosen = np.array([n for n, row in enumerate(found) if len(row.key) == size])
        ends[chosen] = _ends(b"".join(found[n].key[:-5] for n in chosen), size - 5, ports[chosen])
    ordered = numbers[0] >= 0
    label, side = header.labels(ends[:, 0], ends[:, 1], numbers[3], ordered)
    return Rows(label, np.where(ordered, numbers[0], side), *numbers[1:])


def _ends(addresses: bytes, size: int, ports: Words) -> Words:
    """Both ends of each packet, as `header` reckons them; `size` are the bytes of both addresses together."""
    if size == 8:
        words = np.frombuffer(addresses, ">u4").astype(np.uint64).reshape(-1, 2)
        return words << np.uint64(16) | ports
    long = np.frombuffer(addresses, ">u8").astype(np.uint64).reshape(-1, 4)
    near = header.end_of_six(long[:, 0], long[:, 1], ports[:, 0])
    return np.stack((near, header.end_of_six(long[:, 2], long[:, 3], ports[:, 1])), axis=1)
