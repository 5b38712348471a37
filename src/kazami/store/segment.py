"""Segments: events as Parquet, one log source and one tenant a file. Pure: no DuckDB, runs in worker processes.

A segment lies under ``events/<log source>/<tenant>/<days>-<unique>.parquet``. It is written to ``staging`` and
renamed in, so that what bears its final name is whole. Columns: the envelope, then every field that has a value
in this file, as text; several values of one field as a JSON list; an explicit null as a null.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kazami.errors import CaseError
from kazami.model.event import Route
from kazami.store import days, flatten
from kazami.store.known import all_distinct, fingerprints
from kazami.store.names import safe_name

if TYPE_CHECKING:
    import numpy.typing as npt

EVENTS, STAGING = "events", "staging"

#: Columns whose values hardly ever repeat: a dictionary would only cost.
_UNIQUE = frozenset({"event_uid", "time", "record", "raw"})


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of events, as the registry of the case keeps it; small, and fit to be sent between processes.

    `path` is relative to the case, with ``/``. `first` and `last` are microseconds since 1970 in UTC, None where
    no row has a time. `columns` are the names stored,
    `size` is in bytes. `kept` and `dropped` count, by evidence, the rows and the
    duplicates that were left out; both are empty in projected segments, whose records are counted elsewhere.
    `prints` are the fingerprints of the events' uids (`known.fingerprints`, 8 bytes each), in the order of the rows.
    """

    path: str
    route: Route
    tenant: str
    rows: int
    first: int | None
    last: int | None
    columns: tuple[str, ...]
    size: int
    kept: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    prints: bytes = field(default=b"", repr=False)


def write(case: Path, batches: Iterable[pa.RecordBatch | pa.Table]) -> list[Segment]:
    """Write events to the case in the folder `case`, and say what was written.

    `batches` are events as in `model.event`, of any number of routes (each carries its own), tenants and pieces
    of evidence; some 64 thousand of them are a good flush. Batches without rows are passed over. Of events
    with equal `event_uid` in one route and tenant the first is kept. Raises CaseError, naming the file, where it
    cannot be written; nothing half-written remains.
    """
    written = []
    for (route, tenant), parts in _groups(batches).items():
        table, dropped = distinct(flatten.concat(parts))
        segments = [_write_file(case, route, tenant, label, part) for label, part in _parts(table)]
        if dropped and not route.projected:
            segments[0].dropped.update(dropped)
        written += segments
    return written


def distinct(table: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    """`table` with the first row of each `event_uid`, and how many others there were, by evidence."""
    first = _first(table, ("event_uid",))
    if first is None:
        return table, {}
    return table.filter(first), _counts(table.column("evidence").filter(pc.invert(first)))


def first_rows(table: pa.Table, keys: tuple[str, ...]) -> pa.Table:
    """`table` with the first row of each distinct value of the text columns `keys`."""
    first = _first(table, keys)
    return table if first is None else table.filter(first)


def _first(table: pa.Table, keys: tuple[str, ...]) -> pa.Array | None:
    """Which rows are the first of their key; None where all are."""
    columns = [table.column(name) for name in keys]
    if all_distinct(fingerprints(columns)):
        return None
    key = columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, "\0")
    codes = key.combine_chunks().dictionary_encode().indices.to_numpy()
    first = np.zeros(len(codes), bool)
    first[np.unique(codes, return_index=True)[1]] = True
    return None if first.all() else pa.array(first)


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return {row["values"]: row["counts"] for row in column.value_counts().to_pylist()}


def _groups(batches: Iterable[pa.RecordBatch | pa.Table]) -> dict[tuple[Route, str], list[pa.RecordBatch]]:
    groups: dict[tuple[Route, str], list[pa.RecordBatch]] = {}
    for given in batches:
        route = Route.of(given)
        for batch in [given] if isinstance(given, pa.RecordBatch) else given.combine_chunks().to_batches():
            for tenant, part in _tenants(batch):
                groups.setdefault((route, tenant), []).append(part)
    return groups


def _tenants(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    column = batch.column("tenant")
    names = column.unique().to_pylist()
    if len(names) == 1:
        yield names[0], batch
        return
    for name in names:
        yield name, batch.filter(pc.equal(column, name))


def _parts(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """What goes to one file each, with the label of its days."""
    times = table.column("time").cast(pa.int64()).fill_null(days.UNDATED).to_numpy()
    order, shares = days.split(times)
    if len(shares) == 1:
        yield shares[0].label, table
        return
    table = flatten.decoded(table)
    if order is not None:
        table = table.combine_chunks().take(pa.array(order))
    for share in shares:
        yield share.label, table.slice(share.start, share.stop - share.start)


def _write_file(case: Path, route: Route, tenant: str, label: str, table: pa.Table) -> Segment:
    table = flatten.present(table)
    unique = os.urandom(8).hex()
    path = f"{EVENTS}/{safe_name(route.table)}/{safe_name(tenant)}/{label}-{unique}.parquet"
    staged, target = case / STAGING / f"{unique}.parquet", case / path
    try:
        size = _write_parquet(table, staged)
        _move(staged, target)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise CaseError(f"{target}: cannot be written: {error.strerror or error}") from error
    first, last = _span(table)
    kept = {} if route.projected else _counts(table.column("evidence"))
    prints = fingerprints([table.column("event_uid")]).tobytes()
    names = tuple(table.schema.names)
    return Segment(path, route, tenant, table.num_rows, first, last, names, size, kept, prints=prints)


def _move(staged: Path, target: Path) -> None:
    try:
        staged.replace(target)
    except FileNotFoundError:  # the first of its log source and tenant
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)


def _write_parquet(table: pa.Table, path: Path) -> int:
    """Write `table` to `path`, and say how large it became. Columns are small: they are put together in memory."""
    names = table.schema.names
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=1 << 20,
        use_dictionary=[name for name in names if name not in _UNIQUE],
        write_statistics=["time"],
        compression={name: "zstd" if name == "raw" else "lz4" for name in names},
        compression_level={"raw": 1},
        store_schema=False,
    )
    content = sink.getvalue()
    with path.open("wb", buffering=0) as file:
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]
    return len(content)


def _span(table: pa.Table) -> tuple[int | None, int | None]:
    span: npt.NDArray[np.int64] = table.column("time").cast(pa.int64()).drop_null().to_numpy()
    return (int(span.min()), int(span.max())) if len(span) else (None, None)
