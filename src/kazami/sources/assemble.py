"""Records that wait, by shape, into batches by route."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from kazami.model.event import ENVELOPE, Route
from kazami.model.evidence import Evidence
from kazami.sources import clock, identity, slab, text
from kazami.sources.gathered import Gathered
from kazami.sources.plan import VARIES, Column, Plan, Transform
from kazami.sources.slab import Slab

_ENVELOPE_COLUMNS = ("host", "user", "logon_id", "process_uid", "parent_uid")


@dataclass(slots=True, eq=False)
class Shape:
    """The records of one plan that wait; `owners` says from which evidence, in runs (evidence, first row)."""

    plan: Plan
    cells: list[Sequence[Any]] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    owners: list[tuple[Evidence, int]] = field(default_factory=list)
    owner: Evidence | None = None

    @property
    def rows(self) -> int:
        """How many records wait."""
        return len(self.raws)

    @property
    def size(self) -> int:
        """Characters of their original texts."""
        return sum(map(len, self.raws))

    def lengths(self) -> list[int]:
        """Rows of each owner."""
        starts = [first for _, first in self.owners]
        return [stop - start for start, stop in zip(starts, [*starts[1:], len(self.raws)], strict=True)]


@dataclass(slots=True, eq=False)
class _Part:
    """One plan over one shape: a run of rows in the batch of its route."""

    plan: Plan
    shape: Shape | Slab
    columns: list[Any]  # by cell: a sequence, or an array where the shape is a slab

    @property
    def rows(self) -> int:
        return self.shape.rows


class Assembler:
    """Makes batches; remembers what transforms made, and equal records of the file that is being read."""

    def __init__(self) -> None:
        self._occurrences: dict[int, tuple[Evidence, identity.Occurrences]] = {}
        self._transformed: dict[Transform, _Made] = {}
        self._before: dict[Transform, _Made] = {}  # what was made for the batches before these

    def batches(self, shapes: Iterable[Shape | Slab]) -> Iterator[pa.RecordBatch]:
        """A batch for each route of the shapes' plans."""
        self._before, self._transformed = self._transformed, {}
        routes: dict[Route, list[_Part]] = {}
        for shape in shapes:
            if not shape.rows:
                continue
            columns = shape.columns if isinstance(shape, Slab) else list[Any](zip(*shape.cells, strict=True))
            for plan in (shape.plan, *shape.plan.projections):
                routes.setdefault(plan.route, []).append(_Part(plan, shape, columns))
        uids: dict[int, pa.Array] = {}
        waiting = sorted(routes.items(), key=lambda item: not item[0].projected)  # own records name the uids
        del routes
        while waiting:  # what is done with is let go, so that memory holds one batch beside what waits
            yield self._batch(*waiting.pop(), uids)

    def forget(self, wanted: Iterable[Evidence | None]) -> None:
        """Equal records matter inside one file only: forget all but those of the `wanted` evidence."""
        keys = set(map(id, wanted))
        self._occurrences = {key: kept for key, kept in self._occurrences.items() if key in keys}

    def _batch(self, route: Route, parts: list[_Part], uids: dict[int, pa.Array]) -> pa.RecordBatch:
        arrays = self._envelope(route, parts, uids)
        schema = [ENVELOPE.field(name) for name in arrays]
        for name, array in self._fields(parts):
            arrays[name] = array
            schema.append(pa.field(name, array.type))
        return pa.RecordBatch.from_arrays(
            list(arrays.values()), schema=pa.schema(schema, metadata=route.to_metadata())
        )

    def _envelope(self, route: Route, parts: list[_Part], uids: dict[int, pa.Array]) -> dict[str, pa.Array]:
        total = sum(part.rows for part in parts)
        lengths = [length for part in parts for length in part.shape.lengths()]
        owners = [owner for part in parts for owner, _ in part.shape.owners]
        tenants = _repeated([owner.tenant for owner in owners], lengths)
        if route.projected:
            uid, raws = (
                pa.concat_arrays([uids[id(part.shape)] for part in parts]),
                pa.nulls(total, pa.string()),
            )
        else:
            uid, raws = self._identified(parts, tenants, uids)
        arrays = {"event_uid": uid, "time": _times(parts), "tenant": tenants}
        for name in _ENVELOPE_COLUMNS:
            arrays[name] = self._envelope_column(parts, name, total)
        arrays["evidence"] = _repeated([owner.uid for owner in owners], lengths)
        arrays["record"] = _numbers([number for part in parts for number in part.shape.records])
        arrays["raw"] = raws
        return arrays

    def _identified(
        self, parts: list[_Part], tenants: pa.Array, uids: dict[int, pa.Array]
    ) -> tuple[pa.Array, pa.Array]:
        """Uids and original texts of all parts; the uids are kept for the projections of a shape."""
        digests: list[bytes] = []
        texts: list[pa.Array] = []
        waiting: list[bytes] = []
        for part in parts:
            if isinstance(part.shape, Slab):
                texts += [text.utf8_array(waiting), part.shape.raws]
                waiting, found = [], part.shape.digests()
            else:
                encoded = identity.encoded(part.shape.raws)
                waiting += encoded
                found = identity.digests(encoded)
            digests += found if part.plan.own_identity else self._told_apart(found, part.shape)
        whole = identity.uids(digests, tenants)
        start = 0
        for part in parts:
            if part.plan.projections:
                uids[id(part.shape)] = whole.slice(start, part.rows)
            start += part.rows
        last = text.utf8_array(waiting)
        return whole, pa.concat_arrays([*texts, last]) if texts else last

    def _told_apart(self, digests: list[bytes], shape: Shape | Slab) -> list[bytes]:
        apart: list[bytes] = []
        for (owner, start), length in zip(shape.owners, shape.lengths(), strict=True):
            # by the object, not by its uid: a copy of a file has equal lines, and each of them counts for itself
            _, known = self._occurrences.setdefault(id(owner), (owner, identity.Occurrences()))
            apart += known.digests(digests[start : start + length])
        return apart

    def _envelope_column(self, parts: list[_Part], name: str, total: int) -> pa.Array:
        if all(getattr(part.plan, name) is None for part in parts):
            return pa.nulls(total, pa.string())
        arrays: list[pa.Array] = []
        values: list[Any] = []
        for part in parts:
            column: Column | None = getattr(part.plan, name)
            cells = itertools.repeat(None, part.rows) if column is None else self._cells(part, column)
            if isinstance(cells, pa.Array):
                is_list = pa.types.is_list(cells.type)
                arrays.append(_firsts(values))
                arrays.append(_firsts(cells.to_pylist()) if is_list else cells.dictionary_decode())
                values = []
            else:
                values.extend(cells)
        last = _firsts(values)
        return pa.concat_arrays([*arrays, last]) if arrays else last

    def _fields(self, parts: list[_Part]) -> Iterator[tuple[str, pa.Array]]:
        """The fields of all parts, by name: cells of equal names follow each other."""
        gathered: dict[str, Gathered] = {}
        start = 0
        for part in parts:
            odd: set[str] = set()
            for column in part.plan.columns:
                name = column.name
                if not name.isascii():
                    name = text.clean(name)
                    if name in odd:  # names that differ in what cannot be stored: the first is kept
                        continue
                    odd.add(name)
                found = gathered.get(name)
                if found is None:
                    found = gathered[name] = Gathered()
                if column.constant is not VARIES:
                    found.add_constant(column.constant, part.rows, start)
                elif isinstance(cells := self._cells(part, column), pa.Array):
                    found.add_array(cells, start)
                elif column.transform is None:
                    found.add(cells, start)
                else:
                    found.add_present(cells, start)
            start += part.rows
        for name in list(gathered):
            array = gathered.pop(name).array(start)
            if array is not None:
                yield name, array

    def _cells(self, part: _Part, column: Column) -> Sequence[Any] | pa.Array:
        """The cells of one column; a transform is called once for each distinct input."""
        if column.constant is not VARIES:
            return [column.constant] * part.rows
        if column.transform is None:
            return part.columns[column.cells[0]]
        if not column.cells:
            return [column.transform()] * part.rows
        made = self._transformed.get(column.transform)
        if made is None:
            before: dict[Any, str | None] = self._before.get(column.transform) or {}
            made = self._transformed[column.transform] = _Made(column.transform, dict(before))
        chosen = [part.columns[cell] for cell in column.cells]
        if isinstance(part.shape, Slab):
            return slab.transformed(chosen, made.of_any)
        return made.of_any(chosen)


class _Made(dict[Any, "str | None"]):
    """What a transform made of its inputs: of one cell by the cell, of several by their tuple."""

    def __init__(self, transform: Transform, before: dict[Any, str | None]) -> None:
        super().__init__()
        self._transform, self._before = transform, before

    def of_any(self, chosen: Sequence[Sequence[Any]]) -> list[str | None]:
        """One text for each row; of several values of a cell it sees the first."""
        try:
            return self._of(chosen)
        except TypeError:  # a list cannot be looked up
            return self._of([[_first(cell) for cell in cells] for cells in chosen])

    def _of(self, cells: Sequence[Sequence[Any]]) -> list[str | None]:
        inputs = cells[0] if len(cells) == 1 else zip(*cells, strict=True)
        return list(map(self.__getitem__, inputs))

    def __missing__(self, key: Any) -> str | None:
        if key in self._before:
            made = self._before[key]
        else:
            made = self._transform(*map(text.text, key if isinstance(key, tuple) else (key,)))
        if not _is_ambiguous(key):
            self[key] = made
        return made


def _is_ambiguous(key: Any) -> bool:
    """0 and 1 are equal to false and true, which are other texts."""
    return any(cell in (0, 1) for cell in key) if isinstance(key, tuple) else key in (0, 1)


def _times(parts: list[_Part]) -> pa.Array:
    cells: list[Any] = []
    for part in parts:
        time = part.plan.time
        column = itertools.repeat(None, part.rows) if time is None else part.columns[time]
        cells.extend(column.to_pylist() if isinstance(column, pa.Array) else column)
    times = clock.parse_column(cells)
    if times.null_count and text.has_lists(cells):
        times = clock.parse_column([_first(cell) for cell in cells])
    return times


def _numbers(records: list[int]) -> pa.Array:
    """Record ids; damaged ones, of 64 bits without a sign, become the largest there is."""
    try:
        return pa.array(records, pa.int64())
    except OverflowError:
        return pa.array([max(-(2**63), min(record, 2**63 - 1)) for record in records], pa.int64())


def _repeated(values: Sequence[str], lengths: Sequence[int]) -> pa.Array:
    """A string array in which each of `values` stands as often as `lengths` says."""
    distinct = dict.fromkeys(values)
    if len(distinct) == 1:
        return pa.repeat(pa.scalar(values[0], pa.string()), sum(lengths))
    codes = {value: code for code, value in enumerate(distinct)}
    rows = np.repeat(np.array([codes[value] for value in values], np.int32), lengths)
    return pa.array(list(distinct), pa.string()).take(pa.array(rows))


def _firsts(values: list[Any]) -> pa.Array:
    """Cells as text, the first of several values."""
    array = text.quick_array(values)
    return text.plain_array([_first(value) for value in values]) if array is None else array


def _first(cell: Any) -> Any:
    while isinstance(cell, list):
        cell = cell[0] if cell else None
    return cell
