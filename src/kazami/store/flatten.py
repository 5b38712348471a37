"""From columns as detection wants them to columns as they are stored: text, without what is missing."""

from __future__ import annotations

import numpy as np
import orjson
import pyarrow as pa

from kazami.model.event import ENVELOPE, ENVELOPE_NAMES

#: Under this name our SQL has DuckDB give the file of a row, wherever events are read; no field may have it.
_SEGMENT = "kazami_segment"

_CODES = pa.dictionary(pa.int32(), pa.string())


def concat(batches: list[pa.RecordBatch]) -> pa.Table:
    """One table of all columns that the batches have: fields as dictionaries of text, the same for all chunks."""
    flat = [_flat(batch) for batch in batches]
    if len(flat) == 1:
        return flat[0]
    return pa.concat_tables(flat, promote_options="default").unify_dictionaries()


def decoded(table: pa.Table) -> pa.Table:
    """The table with plain text in place of dictionaries, which would be written whole into every part."""
    columns = [
        column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.schema.names)


def present(table: pa.Table) -> pa.Table:
    """The table without fields that have no value at all."""
    return table.select(
        [
            name
            for name, column in zip(table.schema.names, table.columns, strict=True)
            if name in ENVELOPE_NAMES or column.null_count < len(column)
        ]
    )


def _flat(batch: pa.RecordBatch) -> pa.Table:
    names, arrays = list(ENVELOPE.names), [batch.column(name) for name in ENVELOPE.names]
    rows = batch.num_rows
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if name not in ENVELOPE_NAMES and array.null_count < rows:
            names.append(f"{name}_" if name.lower() == _SEGMENT else name)
            arrays.append(_codes(array))
    return pa.Table.from_arrays(arrays, names)


def _codes(array: pa.Array) -> pa.DictionaryArray:
    if isinstance(array, pa.DictionaryArray):
        return _without_null(array)
    if isinstance(array, pa.ListArray):
        array = pa.array(
            [None if v is None else orjson.dumps(v).decode() for v in array.to_pylist()], pa.string()
        )
    return array.cast(pa.string()).dictionary_encode()


def _without_null(array: pa.DictionaryArray) -> pa.DictionaryArray:
    """An index that points to a null in the dictionary becomes a null index."""
    values = array.dictionary
    if not values.null_count:
        return array if array.type == _CODES else array.cast(_CODES)
    valid = values.is_valid()
    new = np.where(valid, np.cumsum(valid, dtype=np.int32) - 1, -1).astype(np.int32)
    codes = array.indices.fill_null(0).to_numpy()
    codes = new[codes]
    missing = array.indices.is_null().to_numpy(zero_copy_only=False) | (codes < 0)
    indices = pa.array(codes, pa.int32(), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, values.drop_null().cast(pa.string()))
