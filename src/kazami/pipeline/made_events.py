"""Events that no evidence holds as they are: what was seen in a file, or what changed on a host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from kazami.model.event import ENVELOPE, Route

_TEXTS = pa.dictionary(pa.int32(), pa.string())


def batch(route: Route, fields: Sequence[str], rows: Iterable[Mapping[str, object]]) -> pa.RecordBatch:
    """Rows as a batch of `route`: the envelope, then `fields`; what a row does not say is missing."""
    schema = pa.schema([*ENVELOPE, *(pa.field(name, _TEXTS) for name in fields)], route.to_metadata())
    listed = list(rows)
    arrays = [pa.array([row.get(field.name) for row in listed], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
