"""From records to columns: the one place where sources build batches.

A source finds, for each *shape* of record (a fixed tuple of keys), one `Plan`, and hands every record over as
a tuple of cells in the order of these keys. `Columns` keeps the cells of a shape together, turns them into Arrow
columns without looking at a record again, and gives `event_uid` and the rest of the envelope.

A source may offer ``feed(evidence, columns) -> Iterator[int]`` beside ``read``: it then adds its records to a
`Columns` that outlives the file, and yields now and then how many bytes it has read. Thousands of small files
share batches that way. `reading` makes the ``read`` of such a source.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from kazami.model.event import ENVELOPE, REJECTS, Route, rejects
from kazami.model.evidence import Evidence
from kazami.sources import clock, identity, text

#: A value as a parser gives it. Lists are multi-valued fields; objects never arrive here (flatten them before).
Cell: TypeAlias = "str | int | float | list[Cell] | None"

#: Makes one text of one or several cells (each as text, None where null); None means the field is missing.
#: A column without cells is constant: its transform is called without arguments.
Transform: TypeAlias = Callable[..., "str | None"]

#: Rejects of one file and one reason that are kept one by one; the rest is only counted.
KEPT_REJECTS = 100

#: Bytes of original text that may wait before a batch is made.
MAX_WAITING = 48 << 20


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a plan: its name, which cells it is made of, and how (None: the cell as it is)."""

    name: str
    cells: tuple[int, ...]
    transform: Transform | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How records of one shape become events.

    `columns` are the fields; `time` is the index of the cell that holds the time (any form that `clock.parse`
    reads; None where the record has none); `host`, `user`, `logon_id`, `process_uid`, `parent_uid` are columns
    of the envelope. `projections` are further plans over the same cells for other log sources. `own_identity` says
    that a record names itself (a record id): a second, equal record in one file is then the same event, not another.
    """

    route: Route
    columns: tuple[Column, ...]
    time: int | None = None
    host: Column | None = None
    user: Column | None = None
    logon_id: Column | None = None
    process_uid: Column | None = None
    parent_uid: Column | None = None
    own_identity: bool = False
    projections: tuple[Plan, ...] = ()


@dataclass(slots=True, eq=False)
class _Shape:
    """The records of one plan that wait; `owners` says from which evidence, in runs."""

    plan: Plan
    cells: list[Sequence[Any]] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    owners: list[tuple[Evidence, int]] = field(default_factory=list)  # evidence, first row


class Columns:
    """Collects records and gives batches of events, and of rejects.

    `limit` is the number of records that make a batch; a batch is also made after `MAX_WAITING` bytes.
    """

    def __init__(self, evidence: Evidence | None = None, limit: int = 8192) -> None:
        self._limit = limit
        self._evidence = evidence
        self._shapes: dict[int, _Shape] = {}
        self._occurrences: dict[str, identity.Occurrences] = {}
        self._rejects: list[dict[str, Any]] = []
        self._rejected: dict[tuple[str, str], int] = {}
        self._rows = 0
        self._bytes = 0

    def begin(self, evidence: Evidence) -> None:
        """What is added from now on comes from `evidence`."""
        self._evidence = evidence
        self._rejected.clear()

    def add(self, plan: Plan, cells: Sequence[Any], raw: str, record: int) -> None:
        """Take one record: `raw` is its original text, `record` its id, or its number in the file from 1."""
        shape = self._shape(plan)
        shape.cells.append(cells)
        shape.raws.append(raw)
        shape.records.append(record)
        self._rows += 1
        self._bytes += len(raw)

    def extend(
        self,
        plan: Plan,
        cells: Sequence[Sequence[Any]],
        raws: Sequence[str],
        records: Sequence[int],
        size: int,
    ) -> None:
        """Take many records of one plan; `size` is the length of `raws` together, in bytes, about."""
        shape = self._shape(plan)
        shape.cells.extend(cells)
        shape.raws.extend(raws)
        shape.records.extend(records)
        self._rows += len(raws)
        self._bytes += size

    def _shape(self, plan: Plan) -> _Shape:
        shape = self._shapes.get(id(plan))
        if shape is None:
            shape = self._shapes[id(plan)] = _Shape(plan)
        owners = shape.owners
        if not owners or owners[-1][0] is not self._evidence:
            assert self._evidence is not None, "begin() names the evidence first"
            owners.append((self._evidence, len(shape.raws)))
        return shape

    @property
    def is_full(self) -> bool:
        """Whether enough waits for a batch."""
        return self._rows >= self._limit or self._bytes >= MAX_WAITING

    def full(self) -> Iterator[pa.RecordBatch]:
        """Batches, once `limit` records wait; to be called after every record or every few."""
        if self.is_full:
            yield from self.rest()

    def rest(self) -> Iterator[pa.RecordBatch]:
        """Everything that still waits, events and rejects."""
        shapes, self._shapes, self._rows, self._bytes = self._shapes, {}, 0, 0
        yield from self._batches(shapes)
        if self._rejects:
            waiting, self._rejects = self._rejects, []
            yield rejects(waiting)
        for uid in [uid for uid in self._occurrences if self._evidence is None or uid != self._evidence.uid]:
            del self._occurrences[uid]

    def _batches(self, shapes: dict[int, _Shape]) -> Iterator[pa.RecordBatch]:
        routes: dict[Route, list[_Part]] = {}
        for shape in shapes.values():
            base = self._envelope(shape)
            for plan in (shape.plan, *shape.plan.projections):
                routes.setdefault(plan.route, []).append(_Part(plan, base))
        shapes.clear()
        for route, parts in routes.items():
            yield _batch(route, parts)

    def _envelope(self, shape: _Shape) -> _Base:
        rows = len(shape.raws)
        digests = identity.record_digests(shape.raws)
        starts = [first for _, first in shape.owners]
        lengths = [stop - start for start, stop in zip(starts, [*starts[1:], rows], strict=True)]
        if not shape.plan.own_identity:
            digests = self._told_apart(digests, shape.owners, lengths)
        tenants = _repeated([owner.tenant for owner, _ in shape.owners], lengths)
        return _Base(
            rows,
            list(zip(*shape.cells, strict=True)),
            identity.uids(digests, tenants),
            tenants,
            _repeated([owner.uid for owner, _ in shape.owners], lengths),
            pa.array(shape.records, pa.int64()),
            text.whole_array(shape.raws),
        )

    def _told_apart(
        self, digests: list[bytes], owners: list[tuple[Evidence, int]], lengths: list[int]
    ) -> list[bytes]:
        apart: list[bytes] = []
        for (owner, start), length in zip(owners, lengths, strict=True):
            known = self._occurrences.setdefault(owner.uid, identity.Occurrences())
            apart += known.digests(digests[start : start + length])
        return apart

    def reject(self, place: str, reason: str, count: int = 1, sample: str | bytes = "") -> None:
        """Note what could not be read. Equal reasons are gathered after the first `KEPT_REJECTS` of one file."""
        evidence = self._evidence
        assert evidence is not None, "begin() names the evidence first"
        seen = self._rejected[evidence.uid, reason] = self._rejected.get((evidence.uid, reason), 0) + 1
        if seen > KEPT_REJECTS + 1:
            for row in reversed(self._rejects):
                if row["evidence"] == evidence.uid and row["reason"] == reason:
                    row["count"] += count
                    return
        if isinstance(sample, bytes):
            sample = sample[:200].decode("utf-8", "replace")
        self._rejects.append(
            {
                "evidence": evidence.uid,
                "name": text.clean(evidence.name),
                "place": place if seen <= KEPT_REJECTS else f"{place} and after",
                "reason": text.clean(reason),
                "count": count,
                "sample": text.clean(sample[:200]),
            }
        )


def _repeated(values: Sequence[str], lengths: Sequence[int]) -> pa.Array:
    """A string array in which each of `values` stands as often as `lengths` says."""
    distinct = dict.fromkeys(values)
    if len(distinct) == 1:
        return pa.repeat(pa.scalar(values[0], pa.string()), sum(lengths))
    codes = {value: code for code, value in enumerate(distinct)}
    rows = np.repeat([codes[value] for value in values], lengths)
    return pa.array(list(distinct), pa.string()).take(pa.array(rows))


@dataclass(slots=True, eq=False)
class _Base:
    """What all plans of a shape share: the transposed cells and the envelope's fixed columns."""

    rows: int
    columns: list[tuple[Any, ...]]
    uids: pa.Array
    tenants: pa.Array
    evidence: pa.Array
    records: pa.Array
    raws: pa.Array


@dataclass(slots=True, eq=False)
class _Part:
    """One plan over one shape: a run of rows in the batch of its route."""

    plan: Plan
    base: _Base


def _batch(route: Route, parts: list[_Part]) -> pa.RecordBatch:
    total = sum(part.base.rows for part in parts)
    arrays: dict[str, pa.Array] = {
        "event_uid": pa.concat_arrays([part.base.uids for part in parts]),
        "time": pa.concat_arrays([_times(part) for part in parts]),
        "tenant": pa.concat_arrays([part.base.tenants for part in parts]),
    }
    for name in ("host", "user", "logon_id", "process_uid", "parent_uid"):
        arrays[name] = _envelope_column(parts, name, total)
    arrays["evidence"] = pa.concat_arrays([part.base.evidence for part in parts])
    arrays["record"] = pa.concat_arrays([part.base.records for part in parts])
    if route.projected:
        arrays["raw"] = pa.nulls(total, pa.string())
    else:
        arrays["raw"] = pa.concat_arrays([part.base.raws for part in parts])
    schema = [ENVELOPE.field(name) for name in arrays]
    for name, array in _fields(parts, total):
        arrays[name] = array
        schema.append(pa.field(name, array.type))
    return pa.RecordBatch.from_arrays(
        list(arrays.values()), schema=pa.schema(schema, metadata=route.to_metadata())
    )


def _times(part: _Part) -> pa.Array:
    if part.plan.time is None:
        return pa.nulls(part.base.rows, ENVELOPE.field("time").type)
    return clock.parse_column(part.base.columns[part.plan.time])


def _envelope_column(parts: list[_Part], name: str, total: int) -> pa.Array:
    """Values of a column of the envelope; nearly all repeat, so each distinct one is made once."""
    values: list[Any] = []
    for part in parts:
        column: Column | None = getattr(part.plan, name)
        values.extend(itertools.repeat(None, part.base.rows) if column is None else _cells(part.base, column))
    try:
        return text.plain_array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return text.plain_array([_first(value) for value in values])


def _fields(parts: list[_Part], total: int) -> Iterator[tuple[str, pa.Array]]:
    """The fields of all parts, by name: cells of equal names follow each other, rows without are missing."""
    gathered: dict[str, _Gathered] = {}
    start = 0
    for part in parts:
        for column in part.plan.columns:
            found = gathered.get(column.name)
            if found is None:
                found = gathered[column.name] = _Gathered()
            if column.transform is None:
                found.add(part.base.columns[column.cells[0]], start)
            else:
                found.add_present(_cells(part.base, column), start)
        start += part.base.rows
    for name in list(gathered):
        array = gathered.pop(name).array(total)
        if array is not None:
            yield name, array


class _Gathered:
    """The cells of one field, from all shapes of a batch that have it."""

    def __init__(self) -> None:
        self._cells: list[Any] = []
        self._runs: list[tuple[int, int]] = []  # first row, rows
        self._constants: list[Any] | None = []  # the one value of each run, while all runs have just one

    def add(self, values: Sequence[Any], start: int) -> None:
        """Cells of all rows from `start` on."""
        rows = len(values)
        self._runs.append((start, rows))
        if self._constants is not None:
            if values[0] == values[-1] and values.count(values[0]) == rows and type(values[0]) is not list:
                self._constants.append(values[0])
                return
            self._expand()
        self._cells.extend(values)

    def add_present(self, values: Sequence[str | None], start: int) -> None:
        """A transform that gives None says: this record does not have the field."""
        if None not in values:
            self.add(values, start)
            return
        self._expand()
        for row, value in enumerate(values, start):
            if value is None:
                continue
            self._cells.append(value)
            if self._runs and sum(self._runs[-1]) == row:
                self._runs[-1] = (self._runs[-1][0], self._runs[-1][1] + 1)
            else:
                self._runs.append((row, 1))

    def _expand(self) -> None:
        """From now on cell by cell."""
        if self._constants is not None:
            for constant, (_, rows) in zip(self._constants, self._runs, strict=False):
                self._cells.extend(itertools.repeat(constant, rows))
            self._constants = None

    def array(self, total: int) -> pa.Array | None:
        """The column of `total` rows; None where no row has the field."""
        if not self._runs:
            return None
        rows = sum(count for _, count in self._runs)
        if self._constants is not None:
            array = _constant_runs(self._constants, [count for _, count in self._runs])
        else:
            array = _encoded(self._cells)
        if rows == total:
            return array
        if pa.types.is_list(array.type):
            return text.spread_lists(array, self._runs, total)
        return text.spread(array, self._runs, total)


def _constant_runs(constants: list[Any], lengths: list[int]) -> pa.DictionaryArray:
    texts = [text.text(constant) for constant in constants]
    codes = {value: code for code, value in enumerate(dict.fromkeys(texts))}
    indices = np.repeat(np.array([codes[value] for value in texts], np.int32), lengths)
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(list(codes), pa.string()))


def _encoded(cells: list[Any]) -> pa.Array:
    array = text.quick_array(cells)
    if array is None:
        if text.has_lists(cells):
            return text.list_array(cells)
        array = text.plain_array(cells)
    return array.dictionary_encode(null_encoding="encode")


def _cells(base: _Base, column: Column) -> Sequence[Any]:
    """The cells of one column; a transform is called once for each distinct input."""
    if column.transform is None:
        return base.columns[column.cells[0]]
    if not column.cells:
        return [column.transform()] * base.rows
    chosen = [base.columns[cell] for cell in column.cells]
    try:
        return _transformed(column.transform, chosen)
    except TypeError:  # a list cannot be looked up: a transform sees the first of several values
        return _transformed(column.transform, [[_first(cell) for cell in cells] for cells in chosen])


def _transformed(transform: Transform, cells: Sequence[Sequence[Any]]) -> list[str | None]:
    if len(cells) == 1:
        made = {cell: transform(text.text(cell)) for cell in set(cells[0])}
        return [made[cell] for cell in cells[0]]
    inputs = list(zip(*cells, strict=True))
    several = {key: transform(*map(text.text, key)) for key in set(inputs)}
    return [several[key] for key in inputs]


def _first(cell: Any) -> Any:
    while isinstance(cell, list):
        cell = cell[0] if cell else None
    return cell


Feed: TypeAlias = Callable[[Evidence, Columns], Iterator[int]]


def reading(feed: Feed) -> Callable[[Evidence], Iterator[pa.RecordBatch]]:
    """The ``read`` of a source that has a ``feed``."""

    def read(evidence: Evidence) -> Iterator[pa.RecordBatch]:
        """Batches of events and of rejects of one piece of evidence."""
        columns = Columns(evidence)
        for _ in feed(evidence, columns):
            yield from columns.full()
        yield from columns.rest()

    return read


__all__ = ["KEPT_REJECTS", "REJECTS", "Cell", "Column", "Columns", "Feed", "Plan", "Transform", "reading"]
