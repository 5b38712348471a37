"""What stands in a batch, cell by cell: missing fields are not there, an explicit null is None, several values a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from kazami.model.event import REJECTS, Route

Row = dict[str, Any]


def rows(batch: pa.RecordBatch) -> list[Row]:
    """Each row; columns of the envelope are None where they are null."""
    batch.validate(full=True)
    found: list[Row] = [{} for _ in range(batch.num_rows)]
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        for row, value in zip(found, values(array), strict=True):
            if value is not ...:
                row[name] = value
    return found


def values(array: pa.Array) -> list[Any]:
    """The cells of a column; ``...`` where the field is missing."""
    if pa.types.is_list(array.type):
        return [... if cell is None else cell for cell in array.to_pylist()]
    if pa.types.is_dictionary(array.type):
        known = array.dictionary.to_pylist()
        return [... if code is None else known[code] for code in array.indices.to_pylist()]
    return list(array.to_pylist())


def events(batches: Iterable[pa.RecordBatch]) -> dict[Route, list[Row]]:
    """The rows of events by route."""
    found: dict[Route, list[Row]] = {}
    for batch in batches:
        if (route := Route.of(batch)) != REJECTS:
            found.setdefault(route, []).extend(rows(batch))
    return found


def rejects(batches: Iterable[pa.RecordBatch]) -> list[Row]:
    """The rows of rejects."""
    return [row for batch in batches if Route.of(batch) == REJECTS for row in batch.to_pylist()]


def by_uid(batches: Iterable[pa.RecordBatch], *without: str) -> dict[tuple[str, bool, str], Row]:
    """Events by table, projection and uid, without some columns; no uid may be there twice."""
    found: dict[tuple[str, bool, str], Row] = {}
    for route, several in events(batches).items():
        for row in several:
            key = (route.table, route.projected, row["event_uid"])
            assert key not in found
            found[key] = {name: value for name, value in row.items() if name not in without}
    return found
