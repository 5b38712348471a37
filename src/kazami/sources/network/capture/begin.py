"""Flows that begin in a block, made of its columns: their keys, counters and first bytes, without a look at a packet.

Only what is simple: one group of rows that are usual and in order. `batch` goes through all others, and a property test holds both to `engine`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kazami.sources.network.capture.block import Numbers, rows
from kazami.sources.network.capture.flow import (
    ACK,
    MAX_SIZES,
    SERVERS,
    SHORT,
    SYN,
    TCP,
    UDP,
    Flow,
    Half,
    limit_of,
)
from kazami.sources.network.capture.header import Flags, Rows
from kazami.sources.network.capture.sorting import Groups, Halves, Payload

_IS_SERVER = np.zeros(1 << 16, np.bool_)
_IS_SERVER[[int.from_bytes(port) for port in SERVERS]] = True


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


def flows(
    groups: Groups, halves: Halves, payload: Payload, data: bytes, chosen: Flags, before: int
) -> Iterator[tuple[int, int, Flow]]:
    """The chosen groups with their labels and flows; `before` are packets of the blocks before this one."""
    some = np.flatnonzero(chosen)
    if not len(some):
        return
    keys, backward = _keys(groups, data, some)
    turned = groups.side[some] != backward
    made = _halves(groups, halves, payload, data, chosen)
    place = np.searchsorted(halves.group[chosen[halves.group]], some)
    both = np.append(place[1:], len(made)) - place > 1
    near_first = halves.side[chosen[halves.group]][place] == turned
    columns = (groups.label, groups.protocol, groups.time, groups.number + before + 1, groups.last)
    for key, group, label, protocol, time, number, last, at, two, straight, is_turned in zip(
        keys, some.tolist(), *(column[some].tolist() for column in columns), place.tolist(), both.tolist(), near_first.tolist(), turned.tolist(),
        strict=True,
    ):  # fmt: skip
        flow = Flow.__new__(Flow)
        flow.key, flow.protocol, flow.first, flow.last, flow.number = key, protocol, time, last, number
        one, other = made[at], made[at + 1] if two else Half()
        flow.halves = (one, other) if straight else (other, one)
        if is_turned:
            flow.side = 1
        yield group, label, flow


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


def _halves(groups: Groups, halves: Halves, payload: Payload, data: bytes, chosen: Flags) -> list[Half]:
    """The directions of the chosen groups."""
    which = np.flatnonzero(chosen[halves.group])
    begin, end = halves.begin[which], halves.end[which]
    wanted = _wanted(payload, data, begin, end)
    row, stop = wanted.row, np.cumsum(wanted.rows)
    ends = payload.start[row] + np.minimum(payload.length[row], wanted.room)
    pieces = [data[at:end] for at, end in zip(payload.start[row].tolist(), ends.tolist(), strict=True)]
    lengths, times, places = payload.length[row].tolist(), payload.time[row].tolist(), wanted.place.tolist()
    behind = np.append(payload.behind, -1)[end - 1]
    following = np.where(end > begin, behind, halves.opening[which])
    columns = (halves.packets, halves.ip_bytes, halves.payload, halves.flags, halves.syn, halves.acked)
    made: list[Half] = []
    for packets, ip_bytes, size, flags, syn, acked, sequence, a, b, limit, full in zip(
        *(column[which].tolist() for column in columns), following.tolist(), (stop - wanted.rows).tolist(), stop.tolist(),
        wanted.limit.tolist(), wanted.full.tolist(), strict=True,
    ):  # fmt: skip
        half = Half()
        half.packets, half.ip_bytes, half.payload, half.flags = packets, ip_bytes, size, flags
        half.acked, half.next = acked, sequence
        if syn >= 0:
            half.syn = syn_of(groups.rows, syn, data)
        if b > a:
            half.limit, half.full = limit, full
            half.sizes = tuple(lengths[a : min(b, a + MAX_SIZES)])
            half.marks = tuple(zip(places[a:b], times[a:b], strict=True))
            half.head = pieces[a] if b - a == 1 else b"".join(pieces[a:b])
        made.append(half)
    return made


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
    starts, lengths = payload.start[begin[there]].tolist(), payload.length[begin[there]].tolist()
    limit = np.full(len(begin), SHORT)
    limit[there] = [limit_of(data[at : at + long]) for at, long in zip(starts, lengths, strict=True)]
    half = np.repeat(np.arange(len(begin)), size)
    first = np.cumsum(size) - size
    row = np.arange(len(half)) + np.repeat(begin - first, size)
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
