"""What the beginning of a TCP connection says of its ends: the stack that sent the SYN, and how far away who answers is.

The stack is told as in p0f (Zalewski, 2012): time to live, window, maximum segment size, scale and the order of options. Two distances are
measured at the same place: of the end that completes the handshake, and of the end that answers the first bytes of the other side.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.crop import Crop
from kazami.sources.network.capture.flow import Half
from kazami.sources.network.capture.sorting import spread

#: Letters of TCP's options by their kind; others are ``?``.
_LETTERS = {0: "E", 1: "N", 2: "M", 3: "W", 4: "S", 8: "T"}

#: Options of one SYN.
_MOST = 24

#: Microseconds after which an answer is no longer the machine's own.
LONGEST = 10_000_000


def fields(near: Half, far: Half) -> dict[str, Any]:
    """What is known of a connection's beginning: ``orig_syn``, ``orig_rtt`` and ``orig_answer`` (seconds)."""
    made: dict[str, Any] = {}
    if near.syn is not None and (told := signature(near.syn[1])):
        made["orig_syn"] = told
    if far.syn is not None and 0 <= (apart := near.acked - far.syn[0]) < LONGEST and near.acked > 0:
        made["orig_rtt"] = f"{apart / 1e6:.6f}"
    if (answer := answered(near, far)) is not None:
        made["orig_answer"] = f"{answer / 1e6:.6f}"
    return made


def answered(near: Half, far: Half) -> int | None:
    """Microseconds from the last piece of the far side's first flight to the near side's answer to it, if it began the talk."""
    if not near.marks or not far.marks or far.marks[0][1] < near.marks[0][1]:
        return None
    later = next((time for _, time in near.marks if time > far.marks[0][1]), None)
    if later is None:
        return None
    apart = later - max(time for _, time in far.marks if time <= later)
    return apart if 0 <= apart < LONGEST else None


def answers(crop: Crop, rows: Numbers) -> Numbers:
    """`answered` of rows of a crop; -1 where there is none."""
    near, far, times = crop.near, crop.far, crop.pieces.time
    found = np.full(len(rows), -1)
    some = np.flatnonzero((near.end > near.begin)[rows] & (far.end > far.begin)[rows])
    row = rows[some]
    some = some[times[far.begin[row]] >= times[near.begin[row]]]
    if not len(some):
        return found
    row = rows[some]
    at, whose, start = spread(near.begin[row], near.end[row])
    after = times[at] > times[far.begin[row]][whose]
    place = np.minimum.reduceat(np.where(after, at, len(times)), start)
    some, row, place = (one[place < len(times)] for one in (some, row, place))
    if not len(some):
        return found
    later = times[place]
    at, whose, start = spread(far.begin[row], far.end[row])
    found[some] = later - np.maximum.reduceat(np.where(times[at] <= later[whose], times[at], -1), start)
    return found


def signature(raw: bytes) -> str:
    """``ttl:window:mss:scale:layout`` of a SYN with its IP header; "" where it is cut."""
    version = raw[0] >> 4 if raw else 0
    at = (raw[0] & 15) * 4 if version == 4 else 40
    if version not in (4, 6) or len(raw) < at + 20:
        return ""
    options = _untimed(raw[at + 20 : at + (raw[at + 12] >> 4) * 4])
    return _signature(raw[8] if version == 4 else raw[7], raw[at + 14 : at + 16], options)


def _untimed(options: bytes) -> bytes:
    """Options without their time, where it stands as Linux (behind MSS and SACK) or BSD (behind MSS and scale) put it: what is left
    is the same for all connections of a stack."""
    if options[:2] != b"\x02\x04":
        return options
    if options[4:8] == b"\x04\x02\x08\x0a":
        at = 8
    elif options[4:7] == b"\x01\x03\x03" and options[8:12] == b"\x01\x01\x08\x0a":
        at = 12
    else:
        return options
    return options[:at] + bytes(8) + options[at + 8 :]


@lru_cache(4096)
def _signature(alive: int, window: bytes, options: bytes) -> str:
    layout, size, scale = _options(options)
    return f"{alive}:{int.from_bytes(window)}:{size}:{scale}:{layout}"


def _options(raw: bytes) -> tuple[str, int, int]:
    """Letters of the options in their order, the maximum segment size and the scale (0 and -1 where not said)."""
    layout, size, scale, at = "", 0, -1, 0
    while at < len(raw) and len(layout) < _MOST:
        kind = raw[at]
        layout += _LETTERS.get(kind, "?")
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        length = raw[at + 1] if at + 1 < len(raw) else 0
        if length < 2:
            break
        if kind == 2:
            size = int.from_bytes(raw[at + 2 : at + 4])
        elif kind == 3:
            scale = raw[at + 2] if at + 2 < len(raw) else -1
        at += length
    return layout, size, scale
