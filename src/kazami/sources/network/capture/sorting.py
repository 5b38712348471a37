"""Rows of a block put together by flow and direction, and counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.flow import ACK, FIN, IDLE_CLOSED, IDLE_OTHER, IDLE_TCP, RST, SYN, TCP
from kazami.sources.network.capture.header import Flags, Rows, Words

#: An array, or a list of it where one after the other is looked up.
Ints: TypeAlias = Any


class Groups(NamedTuple):
    """One flow's rows in a block, in their order; cut before a row with which a new flow may begin. An entry each."""

    rows: Rows  # by flow
    first: Ints  # where each begins in `rows`, and the end of all
    row: Ints  # its first row, as rows came
    last: Ints  # its latest time
    label: Ints
    time: Ints  # of its first row, as all that follow
    flags: Ints
    protocol: Ints
    side: Ints
    number: Ints
    ip: Ints
    at: Ints


class Halves(NamedTuple):
    """One direction of a group; `begin` and `end` are where its rows with a payload stand in `Payload`."""

    group: Ints
    side: Ints
    packets: Ints
    ip_bytes: Ints
    payload: Ints
    flags: Ints
    begin: Ints
    end: Ints
    straight: Ints  # what it carries is in order and without a gap, and no SYN comes late
    opening: Ints  # where a SYN in its first row says that the stream begins; -1 without one
    syn: Ints  # its first SYN, among `Groups.rows`; -1 without one
    acked: Ints  # when the first came that is no SYN; -1 without one


class Payload(NamedTuple):
    """Rows of all halves that carry something or a SYN, a half's after the other's."""

    start: Ints
    length: Ints
    time: Ints
    sequence: Ints
    behind: Ints  # the sequence number behind it
    opens: Ints  # with a SYN


def listed(groups: Groups, halves: Halves, payload: Payload) -> tuple[Groups, Halves, Payload]:
    """The same as lists."""
    return (
        Groups(groups.rows, *(column.tolist() for column in groups[1:])),
        Halves._make(column.tolist() for column in halves),
        Payload._make(column.tolist() for column in payload),
    )


def only(halves: Halves, payload: Payload, chosen: Flags) -> tuple[Halves, Payload]:
    """Some halves, and their rows."""
    kept = Payload._make(column[np.repeat(chosen, halves.end - halves.begin)] for column in payload)
    some = Halves._make(column[chosen] for column in halves)
    end = np.cumsum(some.end - some.begin)
    return some._replace(begin=end - (some.end - some.begin), end=end), kept


def sorted_by(label: Words) -> Numbers:
    """The order of rows by label; rows of one label keep theirs. Labels that differ in their last bits only may mix, which is
    harmless: what belongs together is then counted in pieces."""
    bits = max(1, int(len(label) - 1).bit_length())
    mask = np.uint64((1 << bits) - 1)
    found = np.sort((label & ~mask) | np.arange(len(label), dtype=np.uint64))
    order: Numbers = (found & mask).astype(np.int64)
    return order


def groups_of(rows: Rows, closed: Callable[[int], bool]) -> tuple[Groups, Numbers]:
    """Groups, and for each sorted row the number of its group; `closed` says of a label whether both sides ended its flow before."""
    order = sorted_by(rows.label)
    rows = Rows._make(column[order] for column in rows)
    count = len(order)
    first = np.flatnonzero(_cuts(rows, closed))
    groups = Groups(
        rows,
        np.append(first, count),
        order[first],
        np.maximum.reduceat(rows.time, first),
        *(getattr(rows, name)[first] for name in Groups._fields[4:]),
    )
    return groups, np.repeat(np.arange(len(first)), np.diff(first, append=count))


def _cuts(rows: Rows, closed: Callable[[int], bool]) -> Flags:
    """Rows of another flow than the one before; or of one that may be new, which a SYN or a pause begin only behind an end."""
    cut = np.ones(len(rows.label), np.bool_)
    cut[1:] = rows.label[1:] != rows.label[:-1]
    run = np.flatnonzero(cut)
    ends = ((rows.flags & (FIN | RST)) != 0).astype(np.int64)
    before = np.cumsum(ends) - ends
    ended = before > np.repeat(before[run], np.diff(run, append=len(cut)))
    pause = rows.time[1:] - rows.time[:-1]
    is_tcp = rows.protocol[1:] == TCP
    cut[1:] |= pause > np.where(is_tcp, IDLE_TCP, IDLE_OTHER)
    anew = is_tcp & (((rows.flags[1:] & (SYN | ACK)) == SYN) | (pause > IDLE_CLOSED))
    some = np.flatnonzero(anew & ~cut[1:]) + 1
    if len(some):
        cut[some] = ended[some] | [closed(label) for label in rows.label[some].tolist()]
    return cut


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
    opening = np.where(syn[first], sequence[first], -1)
    # the same SYN again says nothing new, unless another one came between
    again = np.zeros(len(first), np.bool_)
    again[number[syn & (sequence != opening[number])]] = True
    late = syn & ~turn & again[number]
    other = is_tcp & ~syn & (sequence >= 0)
    chosen = np.flatnonzero((length > 0) | late)
    behind = (sequence + length) & 0xFFFFFFFF
    straight = _straight(number, chosen, sequence, behind, is_tcp, len(first))
    straight[number[late]] = False
    bounds = np.searchsorted(number[chosen], np.arange(len(first) + 1))
    kinds = key[first]
    halves = Halves(
        kinds >> 1, kinds & 1, np.diff(first, append=len(key)), np.add.reduceat(size, first),
        np.add.reduceat(rows.carried[order], first), np.bitwise_or.reduceat(flags, first), bounds[:-1], bounds[1:], straight,
        opening,
        _earliest(syn, first, order),
        _earliest(other, first, rows.time[order]),
    )  # fmt: skip
    picked = order[chosen]
    payload = Payload(
        rows.start[picked], length[chosen], rows.time[picked], sequence[chosen], behind[chosen], late[chosen]
    )
    return halves, payload


def spread(begin: Numbers, end: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """All places from each `begin` to its `end`, whose each is, and where each one's places begin."""
    size = end - begin
    start = np.cumsum(size) - size
    whose = np.repeat(np.arange(len(size)), size)
    return np.arange(len(whose)) + (begin - start)[whose], whose, start


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
