"""Connections out of flows of one direction each, as NetFlow and nfdump have them (RFC 3954; RFC 5103 calls what comes out a biflow).

Records with the same ends, one way or the other, that follow each other without a pause are one connection: exporters also cut long ones in pieces (the active
timeout). Who spoke first began it, unless that was from a port of a service: records of both directions may have the same time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from kazami.detect.network.traffic.rows import SECOND, Numbers, Rows, end

#: A pause that ends a connection whose ports are used again, in microseconds: exporters' clocks and timeouts are whole seconds.
PAUSE = 5 * SECOND

_SERVICE = 1024
_COUNTED = (("sent", "received"), ("sent_packets", "received_packets"))


def paired(rows: Rows) -> Rows:
    """The flows, with those that know of no answers joined to what answers them; what else there is stays as it is."""
    none = (rows.known("received_packets") == 0) & (rows.known("received") == 0)
    alone = none & (rows.known("sent_packets") > 0) & (rows.texts["state"].codes < 0)
    alone &= rows.texts["proto"].among(("tcp", "udp")) & (rows.known("source_port") > 0)
    places = np.flatnonzero(alone)
    if len(places) < 2:
        return rows
    near, far = end(rows, places, "source", "source_port"), end(rows, places, "target", "port")
    low, high, protocol = np.minimum(near, far), np.maximum(near, far), rows.texts["proto"].codes[places]
    order = np.lexsort((rows.time[places], protocol, high, low))
    places, onward = places[order], (near < far)[order]
    same = np.ones(len(places), bool)
    for key in (low, high, protocol):
        same[1:] &= np.diff(key[order]) == 0
    stops = rows.time[places] + (rows.known("duration")[places] * SECOND).astype(np.int64)
    same[1:] &= rows.time[places[1:]] - stops[:-1] <= PAUSE
    same[0] = False
    starts = np.flatnonzero(~same)
    if len(starts) == len(places):
        return rows
    return _joined(rows, places, onward, starts, stops)


def _joined(rows: Rows, places: Numbers, onward: Numbers, starts: Numbers, stops: Numbers) -> Rows:
    """One row for each run of `places` that begins in `starts`: the first record of the side that began, with the sums of both."""
    began = _beginners(rows, places, onward, starts)
    run = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(places))))
    ahead = onward == began[run]
    number = np.where(ahead, np.arange(len(places)), len(places))
    firsts = places[np.minimum.reduceat(number, starts)]
    changed: dict[str, Numbers] = {}
    for there, back in _COUNTED:
        counts = rows.known(there)[places]
        changed[there] = np.add.reduceat(np.where(ahead, counts, 0), starts)
        changed[back] = np.add.reduceat(np.where(ahead, 0, counts), starts)
    changed["sent_ip"] = np.add.reduceat(np.where(ahead, rows.known("sent_ip")[places], 0), starts)
    lasting = np.maximum.reduceat(stops, starts) - rows.time[places[starts]]
    changed["duration"] = lasting / SECOND
    return _kept(rows, places, firsts, changed)


def _beginners(rows: Rows, places: Numbers, onward: Numbers, starts: Numbers) -> Numbers:
    """By run: which way the side that began it speaks. An answer of a service may be written down first, if it is answered at all."""
    first = places[starts]
    backward = (rows.known("source_port")[first] < _SERVICE) & (rows.known("port")[first] >= _SERVICE)
    share = np.add.reduceat(onward.astype(np.int64), starts)
    size = np.diff(np.append(starts, len(places)))
    both = (share > 0) & (share < size)
    began: Numbers = onward[starts] ^ (backward & both)
    return began


def _kept(rows: Rows, places: Numbers, firsts: Numbers, changed: Mapping[str, Numbers]) -> Rows:
    keep = np.ones(len(rows), bool)
    keep[places] = False
    keep[firsts] = True
    numbers = dict(rows.numbers)
    for name, values in changed.items():
        column = numbers[name].copy()
        column[firsts] = values
        numbers[name] = column
    return replace(rows, numbers=numbers).where(keep)
