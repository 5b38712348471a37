"""The headers of many packets at once: what is usual becomes rows of numbers, what is odd is named, for `unwrap`.

Usual is: Ethernet with at most one VLAN tag, raw IP, or Linux's cooked capture; IPv4 without options and fragments, or IPv6 without extension
headers; TCP or UDP whose header is whole, and no port behind which there may be a tunnel; ICMP of IPv4. ARP is counted and left.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kazami.sources.network.capture.block import Block, Numbers, rows
from kazami.sources.network.capture.flow import SYN, TCP, UDP
from kazami.sources.network.capture.tunnel import PORTS
from kazami.sources.network.capture.unwrap import ICMP

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

#: Bytes from the IP header on that are looked at: IPv6, and TCP without options.
WIDTH = 60

_RAW = frozenset((101, 12, 14, 228, 229))
_ETHERNET, _SLL, _SLL2 = 1, 113, 276
_TUNNELS, _VXLAN = np.array(sorted(PORTS), np.int64), 0x08000000
_SEEDS = np.array([secrets.randbits(64) | 1 for _ in range(6)], np.uint64)


class Rows(NamedTuple):
    """Packets as numbers, an array each. `label` is equal for packets of one flow, `side` tells its two directions apart;
    `number` is the packet's place in the block; `at` is the header above IP, and ``start``, ``length`` its payload as
    far as it was captured, ``carried`` how long that was."""

    label: Words
    side: Numbers
    number: Numbers
    time: Numbers
    protocol: Numbers
    ip: Numbers
    at: Numbers
    end: Numbers
    size: Numbers
    start: Numbers
    length: Numbers
    carried: Numbers
    sequence: Numbers
    flags: Numbers


def _word(table: Bytes, column: int) -> Numbers:
    found: Numbers = table.view(">u2")[:, column >> 1].astype(np.int64)
    return found


def _long(table: Bytes, column: int, size: int, kind: str = ">u4") -> Words:
    return table[:, column : column + size].view(kind).astype(np.uint64)


def _network(block: Block) -> tuple[Numbers, Flags]:
    """Where IP begins in each packet, its end where that is not told here; and which are ARP."""
    starts, none = block.starts, np.zeros(len(block.starts), np.bool_)
    if block.link in _RAW:
        return starts, none
    if block.link not in (_ETHERNET, _SLL, _SLL2):
        return block.stops, none
    width, kind_at, offset = {_ETHERNET: (18, 12, 14), _SLL: (16, 14, 16), _SLL2: (20, 0, 20)}[block.link]
    link = rows(block.data, starts, width)
    kind, place = _word(link, kind_at), starts + offset
    if block.link == _ETHERNET:
        tagged = kind == 0x8100
        if tagged.any():
            kind = np.where(tagged, _word(link, 16), kind)
            place = place + 4 * tagged
    arp = (kind == 0x0806) & (place <= block.stops)
    return np.where((kind == 0x0800) | (kind == 0x86DD), place, block.stops), arp


def read(block: Block) -> tuple[Rows, Numbers, int]:
    """Rows of the usual packets, the places in the block of the odd ones, and how many are no IP."""
    ip, arp = _network(block)
    table = rows(block.data, np.minimum(ip, len(block.data) - WIDTH), WIDTH)
    room = block.stops - ip
    version = table[:, 0]
    four = (version == 0x45) & (room >= 28) & ((table[:, 6] & 0x3F) == 0) & (table[:, 7] == 0)
    six = (version >> 4 == 6) & (room >= 48)
    protocol = np.where(four, table[:, 9], table[:, 6]).astype(np.int64)
    at = ip + np.where(four, 20, 40)
    told = np.where(four, _word(table, 2), _word(table, 4) + 40)
    sized = np.where(four, told >= 20, told > 40) & (ip + told <= block.stops)
    end = np.where(sized, ip + told, block.stops)
    above = table[:, 20:40] if four.all() else np.where(four[:, None], table[:, 20:40], table[:, 40:60])
    near, far = _word(above, 0), _word(above, 2)
    is_tcp = protocol == TCP
    echo = four & (protocol == ICMP)
    whole = end - at >= np.where(is_tcp, 20, np.where(echo, 4, 8))
    carries = np.isin(near, _TUNNELS) | np.isin(far, _TUNNELS) | (_long(above, 8, 4)[:, 0] == _VXLAN)
    tunnel = (protocol == UDP) & carries
    usual = (four | six) & (is_tcp | (protocol == UDP) | echo) & whole & ~tunnel
    chosen = np.flatnonzero(usual)
    times = block.times
    if len(chosen) < len(usual):
        four, is_tcp, echo = four[chosen], is_tcp[chosen], echo[chosen]
        near, far, ip, at, end = near[chosen], far[chosen], ip[chosen], at[chosen], end[chosen]
        told, protocol, times = told[chosen], protocol[chosen], times[chosen]
        table, above = table[chosen], above[chosen]
    answer = echo & (above[:, 0] == 0)
    if echo.any():
        near, far = _ports(above, near, far, echo, answer)
    first, second = _ends(table, four, near, far)
    first, second = np.where(answer, second, first), np.where(answer, first, second)
    label, side = labels(first, second, protocol, echo)
    side = np.where(echo, answer, side)
    behind = at + np.where(is_tcp, (above[:, 12].astype(np.int64) >> 4) * 4, 8)
    length = np.where(is_tcp & (behind < at + 20), 0, np.maximum(end - behind, 0))
    carried = np.where(is_tcp & (behind < at + 20), 0, np.maximum(np.maximum(end, ip + told) - behind, 0))
    flags = np.where(is_tcp, above[:, 13], 0).astype(np.int64)
    sequence = np.where(is_tcp, _long(above, 4, 4)[:, 0].astype(np.int64), 0)
    sequence = (sequence + ((flags & SYN) != 0)) & 0xFFFFFFFF
    size = np.where(four & (told == 0), end - ip, told)
    found = Rows(
        label,
        side,
        chosen,
        times,
        protocol,
        ip,
        at,
        end,
        size,
        behind,
        length,
        carried,
        sequence,
        flags,
    )
    return found, np.flatnonzero(~usual & ~arp), int(np.count_nonzero(arp & ~usual))


def _ports(above: Bytes, near: Numbers, far: Numbers, echo: Flags, answer: Flags) -> tuple[Numbers, Numbers]:
    """Both ports; of ICMP its kind and code, those of its request for an answer, whose ends are then turned."""
    kind, code = np.where(above[:, 0] == 0, 8, above[:, 0]), above[:, 1]
    near, far = np.where(echo, kind, near), np.where(echo, code, far)
    return np.where(answer, far, near), np.where(answer, near, far)


def _ends(table: Bytes, four: Flags, near: Numbers, far: Numbers) -> tuple[Words, Words]:
    """Both ends of each packet as one number each: address and port of IPv4 as they are, a keyed hash for IPv6."""
    words = _long(table, 12, 8)
    one, two = near.astype(np.uint64), far.astype(np.uint64)
    first, second = words[:, 0] << np.uint64(16) | one, words[:, 1] << np.uint64(16) | two
    if not four.all():
        long = _long(table, 8, 32, ">u8")
        first = np.where(four, first, end_of_six(long[:, 0], long[:, 1], one))
        second = np.where(four, second, end_of_six(long[:, 2], long[:, 3], two))
    return first, second


def end_of_six(high: Words, low: Words, port: Words) -> Words:
    """Address and port of IPv6 as one number, above all those of IPv4."""
    found: Words = mixed(mixed(high ^ _SEEDS[0]) + low * _SEEDS[1] + port) | np.uint64(1 << 63)
    return found


def labels(
    first: Words, second: Words, protocol: Numbers, ordered: Flags | None = None
) -> tuple[Words, Numbers]:
    """The label of each packet's flow, and its side; where `ordered` the ends stay as they are (ICMP).

    Labels are keyed hashes of 64 bits: nobody can make two flows meet on purpose.
    """
    swap = first > second
    if ordered is not None:
        swap &= ~ordered
    low, high = np.where(swap, second, first), np.where(swap, first, second)
    label = mixed(mixed(low ^ _SEEDS[2]) + high * _SEEDS[3] + protocol.astype(np.uint64) * _SEEDS[4])
    return label, swap.astype(np.int64)


def mixed(words: Words) -> Words:
    """The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of a word changes half of the result's."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
