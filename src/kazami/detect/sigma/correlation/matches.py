"""What correlations are evaluated over: every match of the rules they build on, in columns.

Texts and identities become numbers once, here; everything after this works on arrays of integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import numpy.typing as npt

Ints: TypeAlias = "npt.NDArray[np.int64]"

#: One row for each time that a rule matched an event, in any order; `fields` has what `needed_fields` names.
MATCHES: pa.Schema = pa.schema(
    [
        pa.field("rule_id", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("event_uid", pa.string(), nullable=False),
        pa.field("time", pa.timestamp("us", "UTC")),
        pa.field("tenant", pa.string(), nullable=False),
        pa.field("host", pa.string()),
        pa.field("user", pa.string()),
        pa.field("logon_id", pa.string()),
        pa.field("process_uid", pa.string()),
        pa.field("parent_uid", pa.string()),
        pa.field("table", pa.string(), nullable=False),
        pa.field("evidence", pa.string(), nullable=False),
        pa.field("record", pa.int64(), nullable=False),
        pa.field("fields", pa.map_(pa.string(), pa.string())),
    ]
)

MISSING = -1  # the code of a field that an event does not have
UNTIMED = int(np.iinfo(np.int64).min)  # the time of an event without one

#: Columns of the envelope that may be grouped by and counted, where an event has no field of its own of that name.
ENVELOPED = frozenset(("host", "user", "logon_id", "process_uid", "parent_uid"))

_FARTHEST = 4 * 10**18  # microseconds from 1970 to the last time that windows can be laid around


@dataclass(frozen=True, slots=True)
class Matches:
    """`table`, and its columns as integers, all of its length.

    `rule` counts in `rules`, `tenant` in `tenants`; equal `event` means the same event of the same tenant; `time`
    is in microseconds since 1970 in UTC, or `UNTIMED`. `fields` has, for a field, positions in `texts`, the distinct
    values, or `MISSING`; `folded` has, for a position in `texts`, a number that texts share which are equal
    without regard to case.
    """

    table: pa.Table
    rules: list[str]
    rule: Ints
    tenants: list[str]
    tenant: Ints
    event: Ints
    time: Ints
    fields: dict[str, Ints]
    texts: list[str]
    folded: Ints

    @classmethod
    def of(cls, table: pa.Table, fields: Iterable[str]) -> Matches:
        """Columns of `table`, which has the columns of `MATCHES`, with these `fields`; nulls are missing fields."""
        rule, rules = codes(table["rule_id"])
        tenant, tenants = codes(table["tenant"])
        uid, _ = codes(table["event_uid"])
        event = np.unique(uid * len(tenants) + tenant, return_inverse=True)[1]
        columns, texts = _fields(table["fields"], sorted(set(fields)))
        _fill(columns, texts, table)
        folds: dict[str, int] = {}
        folded = np.fromiter(
            (folds.setdefault(t.casefold(), len(folds)) for t in texts), np.int64, len(texts)
        )
        time = _times(table["time"], event)
        return cls(table, rules, rule, tenants, tenant, event, time, columns, texts, folded)


def codes(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Positions in the distinct texts of a column, `MISSING` for null; and these texts."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    encoded = _whole(column.dictionary_encode().unify_dictionaries())
    positions = pc.fill_null(encoded.indices.cast(pa.int64()), MISSING).to_numpy(zero_copy_only=False)
    return positions, encoded.dictionary.to_pylist()


def _whole(column: pa.ChunkedArray) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _times(column: pa.ChunkedArray, event: Ints) -> Ints:
    """Microseconds; copies of one event that differ (they should not) are all of the earliest time."""
    given = _whole(column.cast(pa.timestamp("us", "UTC"))).cast(pa.int64())
    time: Ints = pc.fill_null(given, UNTIMED).to_numpy(zero_copy_only=False)
    time = np.where(np.abs(time) > _FARTHEST, UNTIMED, time)
    if not len(event) or event.max() + 1 == len(event):
        return time
    earliest = np.full(int(event.max()) + 1, _FARTHEST + 1, dtype=np.int64)
    timed = time != UNTIMED
    np.minimum.at(earliest, event[timed], time[timed])
    spread = earliest[event]
    return np.where(spread > _FARTHEST, UNTIMED, spread)


def _fields(column: pa.ChunkedArray, names: list[str]) -> tuple[dict[str, Ints], list[str]]:
    """Per field of a column of maps, positions in the distinct values of all of these fields; and these values."""
    maps = _whole(column)
    columns = {name: np.full(len(column), MISSING, dtype=np.int64) for name in names}
    if not names or not len(column):
        return columns, []
    keys, rows = _entries(maps)
    wanted = pc.is_in(keys[0], value_set=pa.array(names, keys[0].type))
    kept = pa.array(np.flatnonzero(wanted.to_numpy(zero_copy_only=False)))
    values, texts = codes(pa.chunked_array([keys[1].take(kept)]))
    name, spelled = codes(pa.chunked_array([keys[0].take(kept)]))
    rows = rows[kept.to_numpy()]
    for code, field in enumerate(spelled):
        mine = np.flatnonzero((name == code) & (values != MISSING))[::-1]  # the first of several values stays
        columns[field][rows[mine]] = values[mine]
    return columns, texts


def _fill(columns: Mapping[str, Ints], texts: list[str], table: pa.Table) -> None:
    """Let what an event does not say itself be what its envelope says; new values are added to `texts`."""
    for name in sorted(ENVELOPED.intersection(columns)):
        told, values = codes(table[name])
        mine = np.flatnonzero((columns[name] == MISSING) & (told != MISSING))
        columns[name][mine] = told[mine] + len(texts)
        texts += values


def _entries(maps: Any) -> tuple[tuple[Any, Any], Ints]:
    """Keys and items of all maps, one after the other, and the row that each pair belongs to."""
    offsets = maps.offsets.to_numpy()
    first, last = int(offsets[0]), int(offsets[-1])
    lengths = np.diff(offsets)
    rows: Ints = np.repeat(np.arange(len(maps), dtype=np.int64), lengths)
    valid = maps.is_valid().to_numpy(zero_copy_only=False)
    pairs = (maps.keys[first:last], maps.items[first:last])
    if not valid.all():
        kept = np.flatnonzero(valid[rows])
        return (pairs[0].take(pa.array(kept)), pairs[1].take(pa.array(kept))), rows[kept]
    return pairs, rows
