"""What is handed to those who look on (`model.wire`) of flows that begin in a block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kazami.model.wire import Opening
from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.header import Flags, Rows


def openings(
    rows: Rows, number: Numbers, side: Numbers, chosen: Flags, shown: Flags, before: int, data: bytes
) -> Iterator[tuple[int, Opening]]:
    """The chosen groups with the packets of each that are shown. `rows` are sorted by group, `number` is the group of each and `side` its
    direction; `before` is the number of the block's first packet."""
    which = np.flatnonzero(shown & chosen[number])
    if not len(which):
        return
    group, size = number[which], rows.length[which]
    first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    columns = (rows.ip[which], rows.end[which] - size, rows.end[which])
    places = [column.tolist() for column in columns]
    heads = [data[ip:start] for ip, start in zip(*places[:2], strict=True)]
    bodies = [data[start:end] for start, end in zip(*places[1:], strict=True)]
    above = (rows.at[which] - columns[0]).tolist()
    times, numbers = rows.time[which].tolist(), (rows.number[which] + before).tolist()
    sides, flags, loaded = (
        column.astype(np.uint8).tobytes() for column in (side[which], rows.flags[which], size > 0)
    )
    sizes = size.astype(np.uint32).tobytes()
    for one, a, b in zip(
        group[first].tolist(), first.tolist(), [*first[1:].tolist(), len(which)], strict=True
    ):
        yield one, Opening(
            times[a:b], numbers[a:b], sides[a:b], flags[a:b], loaded[a:b], sizes[4 * a : 4 * b],
            heads[a:b], above[a:b], bodies[a:b],
        )  # fmt: skip
