"""What is handed to those who look on (`model.wire`) of flows that begin in a block."""

from __future__ import annotations

import numpy as np

from kazami.model.wire import Openings
from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.flow import FIN, RST, SYN, TCP
from kazami.sources.network.capture.header import Flags, Rows
from kazami.sources.network.capture.sorting import Groups, spread


def shown(rows: Rows) -> Flags:
    """Packets that matter to all who look on: with a payload, at the beginning or end of a connection, or not of TCP."""
    found: Flags = (rows.length > 0) | (rows.flags & (FIN | SYN | RST) > 0) | (rows.protocol != TCP)
    return found


def openings(
    keys: list[bytes],
    begun: Numbers,
    said: tuple[list[bytes], list[bytes]],
    turned: Flags,
    which: Numbers,
    groups: Groups,
    before: int,
    data: bytes,
    straight: bool = True,
) -> Openings:
    """The packets with which flows begin that are groups of a block; `before` is the number of its first packet. `turned` are those whose
    originator is the second side of their label. Where they are not `straight` it is told where each packet belongs."""
    first = np.asarray(groups.first)
    at, whose, _ = spread(first[which], first[which + 1])
    some = shown(groups.rows)[at]
    whose = whose[some]
    rows = Rows._make(column[at[some]] for column in groups.rows)
    side = rows.side ^ turned[whose]
    sides, flags, loaded = (
        column.astype(np.uint8).tobytes() for column in (side, rows.flags, rows.length > 0)
    )
    return Openings(
        keys,
        begun,
        said,
        np.searchsorted(whose, np.arange(len(which) + 1)).tolist(),
        rows.time,
        rows.number + before,
        sides,
        flags,
        loaded,
        rows.length.astype(np.uint32).tobytes(),
        b"" if straight else _places(2 * whose + side, rows.sequence),
        rows.ip,
        rows.at,
        rows.end - rows.length,
        rows.end,
        data,
    )


def _places(half: Numbers, sequence: Numbers) -> bytes:
    """Where each packet of TCP begins in its direction, counted from the first that is there."""
    _, first, inverse = np.unique(half, return_index=True, return_inverse=True)
    return (sequence - sequence[first][inverse]).astype(np.uint32).tobytes()
