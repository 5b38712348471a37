"""Flows that begin in a block, made of its columns: their keys, counters and first bytes, without a look at a packet.

Only what is simple: one group of rows that are usual and in order. `batch` goes through all others, and a property test holds both to `engine`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kazami.sources.network.capture.block import Numbers, rows
from kazami.sources.network.capture.crop import Crop, Pieces, Side
from kazami.sources.network.capture.flow import (
    ACK,
    BYTES,
    LONG,
    SERVERS,
    SESSION,
    SHORT,
    STARTS,
    SYN,
    TCP,
    UDP,
)
from kazami.sources.network.capture.header import Bytes, Flags, Rows
from kazami.sources.network.capture.sorting import Groups, Halves, Payload, spread

_IS_SERVER = np.zeros(1 << 16, np.bool_)
_IS_SERVER[[int.from_bytes(port) for port in SERVERS]] = True


_LIMIT = np.array([BYTES.get(byte, SHORT) for byte in range(256)], np.int64)
_LIMITS = {int.from_bytes(start): limit for start, limit in STARTS.items()}


def simple(groups: Groups, halves: Halves, payload: Payload) -> Flags:
    """Which groups are all that a block has of a flow of TCP or UDP, and their bytes follow each other."""
    _, where, counts = np.unique(groups.label, return_inverse=True, return_counts=True)
    found: Flags = (counts[where] == 1) & np.isin(groups.protocol, (TCP, UDP)) & (groups.ip >= 0)
    late = np.zeros(len(halves.group), np.bool_)  # bytes that do not follow the SYN
    if len(payload.start):
        first = payload.sequence[np.minimum(halves.begin, len(payload.start) - 1)]
        late = (halves.opening >= 0) & (halves.begin < halves.end) & (first != halves.opening)
    found[halves.group[~halves.straight | late]] = False
    return found


def crop(groups: Groups, halves: Halves, payload: Payload, data: bytes, some: Numbers, before: int) -> Crop:
    """The flows of groups, which are numbered by `some`; `before` are packets of the blocks before this one."""
    chosen = np.zeros(len(groups.label), np.bool_)
    chosen[some] = True
    which = np.flatnonzero(chosen[halves.group])
    keys, backward = _keys(groups, data, some)
    turned = groups.side[some] != backward
    sides, pieces = _sides(groups.rows, Halves._make(column[which] for column in halves), payload, data)
    place = np.searchsorted(halves.group[which], some)
    both = np.append(place[1:], len(which)) - place > 1
    other = np.where(both, place + 1, len(which))
    straight = halves.side[which][place] == turned
    near, far = (sides.taken(np.where(one, place, other)) for one in (straight, ~straight))
    number = groups.number[some] + before + 1
    size = np.array([len(one) + len(two) for one, two in zip(near.head, far.head, strict=True)], np.int64)
    return Crop(
        keys, groups.label[some], groups.protocol[some], groups.time[some], groups.last[some], number, turned, near, far, pieces, size,
    )  # fmt: skip


def _keys(groups: Groups, data: bytes, some: Numbers) -> tuple[list[bytes], Flags]:
    """Keys of groups, the originator's side first, and which of them begin with a packet of the other side."""
    ip, at, protocol, flags = groups.ip[some], groups.at[some], groups.protocol[some], groups.flags[some]
    above = rows(data, at, 4)
    ports = above.view(">u2").astype(np.int64)
    begun = (protocol == TCP) & (flags & SYN != 0)
    served = _IS_SERVER[ports[:, 0]] & ~_IS_SERVER[ports[:, 1]]
    backward: Flags = np.where(begun, flags & ACK != 0, served)
    found: list[bytes] = [b""] * len(some)
    for width, offset, mask in ((4, 12, at == ip + 20), (16, 8, at != ip + 20)):
        which = np.flatnonzero(mask)
        ends = rows(data, ip[which] + offset, 2 * width)
        whole = np.empty((len(which), 2 * width + 5), np.uint8)
        swap = backward[which][:, None]
        whole[:, :width] = np.where(swap, ends[:, width:], ends[:, :width])
        whole[:, width : 2 * width] = np.where(swap, ends[:, :width], ends[:, width:])
        whole[:, -5:-3] = np.where(swap, above[which, 2:], above[which, :2])
        whole[:, -3:-1] = np.where(swap, above[which, :2], above[which, 2:])
        whole[:, -1] = protocol[which]
        text, size = whole.tobytes(), 2 * width + 5
        for n, place in enumerate(which.tolist()):
            found[place] = text[n * size : (n + 1) * size]
    return found, backward


def _sides(rows: Rows, halves: Halves, payload: Payload, data: bytes) -> tuple[Side, Pieces]:
    """All directions, and behind them one that no packet has."""
    wanted = _wanted(payload, data, halves.begin, halves.end)
    row, end = wanted.row, np.cumsum(wanted.rows)
    begin = end - wanted.rows
    stops = payload.start[row] + np.minimum(payload.length[row], wanted.room)
    pieces = [data[at:stop] for at, stop in zip(payload.start[row].tolist(), stops.tolist(), strict=True)]
    heads = [
        pieces[a] if b - a == 1 else b"".join(pieces[a:b])
        for a, b in zip(begin.tolist(), end.tolist(), strict=True)
    ]
    behind = np.append(payload.behind, -1)[halves.end - 1]
    ip = np.where(halves.syn >= 0, rows.ip[halves.syn], -1)
    opened = np.where(ip >= 0, rows.time[halves.syn], -1)
    stops = np.where(ip >= 0, np.minimum(rows.start, rows.end)[halves.syn], -1)
    syn = [data[at:stop] for at, stop in zip(ip.tolist(), stops.tolist(), strict=True)]
    columns = [
        *_with_none(halves.packets, halves.ip_bytes, halves.payload, halves.flags),
        *_with_none(halves.acked, np.where(halves.end > halves.begin, behind, halves.opening), none=-1),
        *_with_none(wanted.limit, none=SHORT),
        *_with_none(wanted.full, begin, end),
        *_with_none(opened, none=-1),
        [*syn, b""],
        [*heads, b""],
    ]
    return Side._make(columns), Pieces(payload.length[row], payload.time[row], wanted.place)


def _with_none(*columns: Any, none: int = 0) -> list[Any]:
    return [np.append(column, np.array(none, column.dtype)) for column in columns]


class _Wanted(NamedTuple):
    """Rows whose bytes are among the first of their direction, with their place there and the room that is left; and for each
    direction how many rows these are, how many bytes are kept of it, and whether there are as many."""

    row: Numbers
    place: Numbers
    room: Numbers
    rows: Numbers
    limit: Numbers
    full: Flags


def _wanted(payload: Payload, data: bytes, begin: Numbers, end: Numbers) -> _Wanted:
    size = end - begin
    there = np.flatnonzero(size)
    limit = np.full(len(begin), SHORT)
    limit[there] = limits(rows(data, payload.start[begin[there]], 8), payload.length[begin[there]])
    row, half, first = spread(begin, end)
    length = payload.length[row]
    before = np.cumsum(length) - length
    place = before - np.repeat(before[first[there]], size[there])
    full = np.zeros(len(begin), np.bool_)
    full[there] = (place + length)[first[there] + size[there] - 1] >= limit[there]
    kept = place < limit[half]
    count = np.bincount(half[kept], minlength=len(begin))
    return _Wanted(row[kept], place[kept], (limit[half] - place)[kept], count, limit, full)


def syn_of(rows: Rows, at: int, data: bytes) -> tuple[int, bytes] | None:
    """Time and headers of a SYN; None where its IP header is not at hand."""
    ip = int(rows.ip[at])
    return None if ip < 0 else (int(rows.time[at]), data[ip : min(int(rows.start[at]), int(rows.end[at]))])


def limits(starts: Bytes, lengths: Numbers) -> Numbers:
    """`flow.limit_of` of many directions, from eight bytes of each and how many these are."""
    words = np.ascontiguousarray(starts).view(">u4").astype(np.int64)
    first, long = starts[:, 0], lengths
    limit = _LIMIT[first]
    hello = ((words[:, 0] >> 16 == 0x1603) | (words[:, 0] >> 16 == 0x0300)) & (long >= 2)
    ticket = ((starts[:, 4] == 0x6A) | (starts[:, 4] == 0x6C)) & (long >= 5)
    limit[hello | ticket | ((long >= 1200) & (first >= 0xC0))] = LONG
    limit[((words[:, 1] == 0xFE534D42) | (words[:, 1] == 0xFF534D42)) & (long >= 8)] = SESSION
    for word, most in _LIMITS.items():
        limit[(words[:, 0] == word) & (long >= 4)] = most
    return limit
