"""Connections by who spoke with whom, without an object per connection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """All connections from one source to one destination, in the order of time.

    `times` are seconds since 1970 (float64), `sizes` bytes that the source sent with headers (float64, 0 where unknown).
    """

    source: str
    target: str
    times: Numbers
    sizes: Numbers


def pairs(flows: pa.Table, least: int = 1, target: str = "id.resp_h") -> Iterator[Pair]:
    """The pairs of a table of flows that have `least` connections at least.

    Wants `time` (a timestamp), ``id.orig_h``, the column `target` and ``orig_ip_bytes`` (text or numbers). Rows without a time or an end
    are left out. Memory: some 40 bytes a connection.
    """
    known = pc.and_(
        pc.is_valid(flows["time"]), pc.and_(pc.is_valid(flows["id.orig_h"]), pc.is_valid(flows[target]))
    )
    flows = flows.select(["time", "id.orig_h", target, "orig_ip_bytes"]).filter(known)
    if not flows.num_rows:
        return
    near, sources = _codes(flows["id.orig_h"])
    far, targets = _codes(flows[target])
    key = near.astype(np.int64) * len(targets) + far
    times = flows["time"].cast(pa.int64()).to_numpy() / 1e6
    sizes = _numbers(flows["orig_ip_bytes"])
    order = np.lexsort((times, key))
    key, times, sizes = key[order], times[order], sizes[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    stops = np.append(starts[1:], len(key))
    for start, stop in zip(starts[stops - starts >= least], stops[stops - starts >= least], strict=True):
        source, destination = divmod(int(key[start]), len(targets))
        yield Pair(sources[source], targets[destination], times[start:stop], sizes[start:stop])


def _codes(column: pa.ChunkedArray) -> tuple[Numbers, list[str]]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy(), encoded.dictionary.to_pylist()


def _numbers(column: pa.ChunkedArray) -> Numbers:
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    if pa.types.is_string(column.type):
        right = pc.match_substring_regex(column, r"^\d{1,15}$")
        column = pc.if_else(right, column, None).cast(pa.float64())
    return np.asarray(column.cast(pa.float64()).fill_null(0.0).to_numpy())
