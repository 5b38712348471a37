"""Rows of a block put together by flow and direction, and counted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.flow import ACK, IDLE_CLOSED, IDLE_OTHER, SYN, TCP
from kazami.sources.network.capture.header import Flags, Rows, Words


class Groups(NamedTuple):
    """One flow's rows in a block, in their order; cut before a row with which a new flow may begin. Lists have an entry each."""

    rows: Rows  # by flow
    first: list[int]  # where each begins in `rows`, and the end of all
    row: list[int]  # its first row, as rows came
    last: list[int]  # its latest time
    label: list[int]
    time: list[int]  # of its first row, as all that follow
    flags: list[int]
    protocol: list[int]
    side: list[int]
    number: list[int]
    ip: list[int]
    at: list[int]


class Halves(NamedTuple):
    """One direction of a group; `begin` and `end` are where its rows with a payload stand in `Payload`."""

    group: list[int]
    side: list[int]
    packets: list[int]
    ip_bytes: list[int]
    payload: list[int]
    flags: list[int]
    begin: list[int]
    end: list[int]
    straight: list[bool]  # what it carries is in order and without a gap, and no SYN comes late
    opening: list[int]  # where a SYN in its first row says that the stream begins; -1 without one
    syn: list[int]  # its first SYN, among `Groups.rows`; -1 without one
    acked: list[int]  # when the first came that is no SYN; -1 without one


class Payload(NamedTuple):
    """Rows of all halves that carry something or a SYN, a half's after the other's."""

    start: list[int]
    length: list[int]
    time: list[int]
    sequence: list[int]
    behind: list[int]  # the sequence number behind it
    opens: list[bool]  # with a SYN


def sorted_by(label: Words) -> Numbers:
    """The order of rows by label; rows of one label keep theirs. Labels that differ in their last bits only may mix, which is
    harmless: what belongs together is then counted in pieces."""
    bits = max(1, int(len(label) - 1).bit_length())
    mask = np.uint64((1 << bits) - 1)
    found = np.sort((label & ~mask) | np.arange(len(label), dtype=np.uint64))
    order: Numbers = (found & mask).astype(np.int64)
    return order


def groups_of(rows: Rows) -> tuple[Groups, Numbers]:
    """Groups, and for each sorted row the number of its group."""
    order = sorted_by(rows.label)
    rows = Rows._make(column[order] for column in rows)
    count = len(order)
    cut = np.ones(count, np.bool_)
    pause = rows.time[1:] - rows.time[:-1]
    is_tcp = rows.protocol[1:] == TCP
    anew = is_tcp & ((rows.flags[1:] & (SYN | ACK)) == SYN)
    cut[1:] = (rows.label[1:] != rows.label[:-1]) | anew | (pause > np.where(is_tcp, IDLE_CLOSED, IDLE_OTHER))
    first = np.flatnonzero(cut)
    groups = Groups(
        rows,
        [*first.tolist(), count],
        order[first].tolist(),
        np.maximum.reduceat(rows.time, first).tolist(),
        *(getattr(rows, name)[first].tolist() for name in Groups._fields[4:]),
    )
    return groups, np.cumsum(cut) - 1


def halves_of(rows: Rows, group: Numbers) -> tuple[Halves, Payload]:
    """Both directions of every group."""
    key = 2 * group + rows.side
    order = np.argsort(key.astype(np.uint16) if key[-1] < 65_536 else key, kind="stable")
    key = key[order]
    turn = np.ones(len(key), np.bool_)
    turn[1:] = key[1:] != key[:-1]
    first = np.flatnonzero(turn)
    number = np.cumsum(turn) - 1
    size, length, flags = rows.size[order], rows.length[order], rows.flags[order]
    sequence, is_tcp = rows.sequence[order], rows.protocol[order] == TCP
    syn = is_tcp & ((flags & SYN) != 0) & (sequence >= 0)
    late = syn & ~turn
    other = is_tcp & ~syn & (sequence >= 0)
    chosen = np.flatnonzero((length > 0) | late)
    behind = (sequence + length) & 0xFFFFFFFF
    straight = _straight(number, chosen, sequence, behind, is_tcp, len(first))
    straight[number[late]] = False
    bounds = np.searchsorted(number[chosen], np.arange(len(first) + 1)).tolist()
    kinds = key[first]
    halves = Halves(
        (kinds >> 1).tolist(), (kinds & 1).tolist(), np.diff(first, append=len(key)).tolist(), np.add.reduceat(size, first).tolist(),
        np.add.reduceat(rows.carried[order], first).tolist(), np.bitwise_or.reduceat(flags, first).tolist(), bounds[:-1], bounds[1:], straight.tolist(),
        np.where(syn[first], sequence[first], -1).tolist(),
        _earliest(syn, first, order).tolist(),
        _earliest(other, first, rows.time[order]).tolist(),
    )  # fmt: skip
    picked = order[chosen]
    payload = Payload(
        rows.start[picked].tolist(), length[chosen].tolist(), rows.time[picked].tolist(), sequence[chosen].tolist(), behind[chosen].tolist(),
        late[chosen].tolist(),
    )  # fmt: skip
    return halves, payload


def _earliest(chosen: Flags, first: Numbers, values: Numbers) -> Numbers:
    """The value of the first chosen row of each half; -1 where there is none."""
    count = len(chosen)
    place = np.minimum.reduceat(np.where(chosen, np.arange(count), count), first)
    return np.where(place < count, values[np.minimum(place, count - 1)], -1)


def _straight(
    number: Numbers, chosen: Numbers, sequence: Numbers, behind: Numbers, is_tcp: Flags, count: int
) -> Flags:
    """Whether each half's rows that carry something follow each other without a gap."""
    found = np.ones(count, np.bool_)
    if len(chosen) > 1:
        before, after = chosen[:-1], chosen[1:]
        apart = is_tcp[after] & (behind[before] != sequence[after]) & (number[before] == number[after])
        found[number[after[apart]]] = False
    return found
