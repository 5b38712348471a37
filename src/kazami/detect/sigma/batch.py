"""Events given as plain maps, as one batch for the matcher: for cases and tests, not for evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from kazami.detect.sigma.plain import Event
from kazami.model.event import ENVELOPE, Route


def batch(events: Sequence[Event], route: Route) -> pa.RecordBatch:
    """A batch of these events, its envelope empty but for a number as `event_uid`."""
    arrays: dict[str, Any] = {
        field.name: pa.array([_envelope(field, row) for row in range(len(events))], field.type)
        for field in ENVELOPE
    }
    names = dict.fromkeys(name for event in events for name in event)
    arrays |= {name: _column([event.get(name, _MISSING) for event in events]) for name in names}
    schema = pa.schema([pa.field(name, array.type) for name, array in arrays.items()])
    return pa.RecordBatch.from_arrays(list(arrays.values()), schema=schema.with_metadata(route.to_metadata()))


_MISSING = object()


def _envelope(field: pa.Field, row: int) -> Any:
    if field.nullable:
        return None
    return row if pa.types.is_integer(field.type) else f"{row:032}"


def _column(cells: list[Any]) -> pa.Array:
    """A dictionary of texts (missing: null index; null: index of null), or lists where an event has several values."""
    if any(isinstance(cell, list) for cell in cells):
        lists = [None if cell is _MISSING else cell if isinstance(cell, list) else [cell] for cell in cells]
        return pa.array(lists, pa.list_(pa.string()))
    values = list(dict.fromkeys(cell for cell in cells if cell is not _MISSING))
    places = {value: place for place, value in enumerate(values)}
    codes = [None if cell is _MISSING else places[cell] for cell in cells]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(values, pa.string()))
