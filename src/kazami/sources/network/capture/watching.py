"""What is handed to those who look on (`model.wire`) of flows that begin in a block."""

from __future__ import annotations

import numpy as np

from kazami.model.wire import Openings
from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.crop import Crop
from kazami.sources.network.capture.flow import FIN, RST, SYN, TCP
from kazami.sources.network.capture.header import Flags, Rows
from kazami.sources.network.capture.sorting import Groups, spread


def shown(rows: Rows) -> Flags:
    """Packets that matter to all who look on: with a payload, at the beginning or end of a connection, or not of TCP."""
    found: Flags = (rows.length > 0) | (rows.flags & (FIN | SYN | RST) > 0) | (rows.protocol != TCP)
    return found


def openings(crop: Crop, which: Numbers, groups: Groups, before: int, data: bytes) -> Openings:
    """The packets of a crop's flows, which are groups; `before` is the number of the block's first packet."""
    at, whose, _ = spread(groups.first[which], groups.first[which + 1])
    some = shown(groups.rows)[at]
    whose = whose[some]
    rows = Rows._make(column[at[some]] for column in groups.rows)
    starts = rows.end - rows.length
    places = [column.tolist() for column in (rows.ip, starts, rows.end)]
    columns = (rows.side ^ crop.turned[whose], rows.flags, rows.length > 0)
    sides, flags, loaded = (column.astype(np.uint8).tobytes() for column in columns)
    return Openings(
        crop.keys,
        crop.first,
        np.searchsorted(whose, np.arange(len(which) + 1)).tolist(),
        rows.time,
        rows.number + before,
        sides,
        flags,
        loaded,
        rows.length.astype(np.uint32).tobytes(),
        rows.at - rows.ip,
        [data[ip:end] for ip, end in zip(places[0], places[2], strict=True)],
        [data[start:end] for start, end in zip(*places[1:], strict=True)],
    )
