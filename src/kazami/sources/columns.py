"""From records to columns: the one place where sources build batches.

A source finds, for each *shape* of record (a fixed tuple of keys), one `Plan`, and hands every record over as
a tuple of cells in the order of these keys. `Columns` keeps the cells of a shape together, turns them into Arrow
columns without looking at a record again, and gives `event_uid` and the rest of the envelope.

A source may offer ``feed(evidence, columns) -> Iterator[int]`` beside ``read``: it then adds its records to a
`Columns` that outlives the file, and yields now and then how many bytes it has read. Thousands of small files
share batches that way. `reading` makes the ``read`` of such a source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

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
        digests = identity.record_digests(shape.raws)
        uids, tenants, evidence = [], [], []
        stops = [first for _, first in shape.owners[1:]] + [len(shape.raws)]
        for (owner, first), stop in zip(shape.owners, stops, strict=True):
            part = digests[first:stop]
            if not shape.plan.own_identity:
                part = self._occurrences.setdefault(owner.uid, identity.Occurrences()).digests(part)
            uids.append(identity.uids(part, owner.tenant))
            tenants.append(pa.repeat(pa.scalar(owner.tenant, pa.string()), stop - first))
            evidence.append(pa.repeat(pa.scalar(owner.uid, pa.string()), stop - first))
        columns = list(zip(*shape.cells, strict=True))
        return _Base(
            columns,
            pa.concat_arrays(uids),
            pa.concat_arrays(tenants),
            pa.concat_arrays(evidence),
            pa.array(shape.records, pa.int64()),
            text.plain_array(shape.raws),
        )

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


@dataclass(slots=True, eq=False)
class _Base:
    """What all plans of a shape share: the transposed cells and the envelope's fixed columns."""

    columns: list[tuple[Any, ...]]
    uids: pa.Array
    tenants: pa.Array
    evidence: pa.Array
    records: pa.Array
    raws: pa.Array

    @property
    def rows(self) -> int:
        return len(self.uids)


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
        arrays[name] = pa.concat_arrays([_envelope_column(part, getattr(part.plan, name)) for part in parts])
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


def _envelope_column(part: _Part, column: Column | None) -> pa.Array:
    if column is None:
        return pa.nulls(part.base.rows, pa.string())
    cells = _cells(part.base, column)
    if text.has_lists(cells):
        cells = [cell[0] if isinstance(cell, list) and cell else cell for cell in cells]
    return text.plain_array(cells)


def _fields(parts: list[_Part], total: int) -> Iterator[tuple[str, pa.Array]]:
    """The fields of all parts, by name: cells of equal names follow each other, rows without are missing."""
    gathered: dict[str, tuple[list[Any], list[tuple[int, int]]]] = {}
    start = 0
    for part in parts:
        for column in part.plan.columns:
            cells, runs = gathered.setdefault(column.name, ([], []))
            values = _cells(part.base, column)
            if column.transform is None:
                cells.extend(values)
                runs.append((start, len(values)))
            else:
                _extend_present(values, start, cells, runs)
        start += part.base.rows
    for name in list(gathered):
        cells, runs = gathered.pop(name)
        if cells:
            yield name, _field(cells, runs, total)


def _extend_present(
    values: Sequence[str | None], start: int, cells: list[Any], runs: list[tuple[int, int]]
) -> None:
    """A transform that gives None says: this record does not have the field."""
    for row, value in enumerate(values, start):
        if value is None:
            continue
        cells.append(value)
        if runs and sum(runs[-1]) == row:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((row, 1))


def _field(cells: list[Any], runs: list[tuple[int, int]], total: int) -> pa.Array:
    if text.has_lists(cells):
        lists = text.list_array(cells)
        return lists if len(lists) == total else text.spread_lists(lists, runs, total)
    array = text.plain_array(cells).dictionary_encode(null_encoding="encode")
    return array if len(array) == total else text.spread(array, runs, total)


def _cells(base: _Base, column: Column) -> Sequence[Any]:
    """The cells of one column; a transform is called once for each distinct input."""
    if column.transform is None:
        return base.columns[column.cells[0]]
    if not column.cells:
        return [column.transform()] * base.rows
    inputs = list(zip(*(_hashable(base.columns[cell]) for cell in column.cells), strict=True))
    made = {key: column.transform(*map(text.text, key)) for key in set(inputs)}
    return [made[key] for key in inputs]


def _hashable(cells: Sequence[Any]) -> Sequence[Any]:
    """A transform sees the first value of several."""
    if not text.has_lists(cells):
        return cells
    return [
        text.text(cell[0]) if isinstance(cell, list) and cell else None if cell == [] else cell
        for cell in cells
    ]


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
