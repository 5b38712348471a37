"""From records to columns: the one place where sources build batches.

A source finds, for each *shape* of record (a fixed tuple of keys), one `Plan`, and hands every record over as
a tuple of cells in the order of these keys. `Columns` keeps the cells of a shape together; `assemble` turns them into
Arrow columns without looking at a record again, and gives `event_uid` and the rest of the envelope.

A source may offer ``feed(evidence, columns) -> Iterator[int]`` beside ``read``: it then adds its records to a
`Columns` that outlives the file, and yields now and then how many bytes it has read. Thousands of small files
share batches that way. `reading` makes the ``read`` of such a source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from kazami.model.event import REJECTS, Route, rejects
from kazami.model.evidence import Evidence
from kazami.model.wire import Tap
from kazami.sources import assemble, text
from kazami.sources.plan import Cell, Column, Plan, Transform
from kazami.sources.slab import Slab

#: Rejects of one file and one reason that are kept one by one; the rest is only counted.
KEPT_REJECTS = 100

#: Reasons of one file that are told apart, and characters of each that are kept.
KEPT_REASONS, MAX_REASON = 200, 1000
OTHER_REASONS = "cannot be read, for more reasons than are told apart"

#: Cells of the widest table that may wait: a file of thousands of fields has a column for each, in every batch.
MAX_CELLS = 24 << 20

#: Share of what waits that may go on waiting where only `Columns.most` of it is taken.
LEFT = 1 / 6

#: Bytes of original text that may wait before a batch is made.
MAX_WAITING = 44 << 20


class Columns:
    """Collects records and gives batches of events, and of rejects.

    `limit` is the number of records that make a batch; a batch is also made after `MAX_WAITING` bytes.
    """

    def __init__(self, evidence: Evidence | None = None, limit: int = 8192) -> None:
        self._limit = limit
        self.evidence = evidence
        #: Makes who looks on while a capture is read (`model.wire`), None where nobody does.
        self.tap: Callable[[], Tap | None] | None = None
        #: Is given files that passed whole in a capture, with their SHA-256; None where nobody wants them.
        self.keep: Callable[[bytes, str], None] | None = None
        self._shapes: dict[int, assemble.Shape | Slab] = {}  # rows by their plan, slabs by themselves
        self._assembler = assemble.Assembler()
        self._rejects: list[dict[str, Any]] = []
        self._rejected: dict[str, int] = {}  # of the present evidence, by reason
        self._gathered: dict[str, dict[str, Any]] = {}  # rows that wait and stand for many, by reason
        self._names: dict[Route, set[str]] = {}
        self._widest = 0
        self.rows = 0  # records that wait
        self.bytes = 0  # characters of original text that wait
        #: What a source likes to remember about the shapes that wait; emptied with them.
        self.memory: dict[Any, Any] = {}

    @property
    def reasons(self) -> list[str]:
        """Why records of the present evidence were rejected, each once."""
        return list(self._rejected)

    @property
    def owner(self) -> Evidence:
        """The present evidence."""
        assert self.evidence is not None, "begin() names the evidence first"
        return self.evidence

    def begin(self, evidence: Evidence) -> None:
        """What is added from now on comes from `evidence`."""
        self.evidence = evidence
        self._rejected.clear()
        self._gathered.clear()

    def add(self, plan: Plan, cells: Sequence[Any], raw: str, record: int) -> None:
        """Take one record: `raw` is its original text, `record` its id, or its number in the file from 1."""
        shape = self.shape(plan)
        shape.cells.append(cells)
        shape.raws.append(raw)
        shape.records.append(record)
        self.rows += 1
        self.bytes += len(raw)

    def extend(
        self, plan: Plan, cells: Sequence[Sequence[Any]], raws: Sequence[str], records: Sequence[int]
    ) -> None:
        """Take many records of one plan."""
        shape = self.shape(plan)
        shape.cells.extend(cells)
        shape.raws.extend(raws)
        shape.records.extend(records)
        self.rows += len(raws)
        self.bytes += sum(map(len, raws))

    def shape(self, plan: Plan) -> assemble.Shape:
        """Where records of `plan` wait, now open for the present evidence.

        For sources in a hurry: they append to its lists themselves, `own` it when the evidence changes, and add
        what they appended to `rows` and `bytes`. It is good until the next batch.
        """
        shape = self._shapes.get(id(plan))
        if not isinstance(shape, assemble.Shape):
            shape = assemble.Shape(plan)
            self._know(shape)
        if shape.owner is not self.evidence:
            self.own(shape)
        return shape

    def take(self, slab: Slab) -> None:
        """Take many records of one plan that are columns already."""
        self._know(slab)
        self.rows += slab.rows
        self.bytes += slab.size

    def _know(self, shape: assemble.Shape | Slab) -> None:
        """Keep a shape, and how wide the table of its route becomes with it."""
        self._shapes[id(shape if isinstance(shape, Slab) else shape.plan)] = shape
        names = self._names.setdefault(shape.plan.route, set())
        names.update(column.name for column in shape.plan.columns)
        self._widest = max(self._widest, len(names))

    def own(self, shape: assemble.Shape) -> None:
        """What is appended to `shape` from now on comes from the present evidence."""
        assert self.evidence is not None, "begin() names the evidence first"
        shape.owner = self.evidence
        shape.owners.append((self.evidence, len(shape.raws)))

    @property
    def is_full(self) -> bool:
        """Whether enough waits for a batch."""
        return (
            self.rows >= self._limit
            or self.bytes >= MAX_WAITING
            or self.rows * self._widest >= MAX_CELLS
            or len(self._rejects) >= self._limit
        )

    def full(self) -> Iterator[pa.RecordBatch]:
        """Batches, once `limit` records wait; to be called after every record or every few."""
        if self.is_full:
            yield from self.rest()

    def rest(self) -> Iterator[pa.RecordBatch]:
        """Everything that still waits, events and rejects."""
        yield from self._events(frozenset())
        if self._rejects:
            waiting, self._rejects = self._rejects, []
            self._gathered.clear()
            yield rejects(waiting)

    def most(self) -> Iterator[pa.RecordBatch]:
        """Events of the routes of which most waits, with what they feed, until no more than `LEFT` of all still does.

        A batch costs its columns, however few its rows: what is rare may wait for others of its kind.
        """
        rows: Counter[Route] = Counter()
        for shape in self._shapes.values():
            rows[shape.plan.route] += shape.rows
        left, kept = self.rows, set(rows)
        for route, count in rows.most_common():
            if left <= self.rows * LEFT:
                break
            left -= count
            kept.discard(route)
        yield from self._events(kept)

    def _events(self, kept: Collection[Route]) -> Iterator[pa.RecordBatch]:
        """Events of all routes but those `kept`, which go on waiting."""
        shapes = [shape for shape in self._shapes.values() if shape.plan.route not in kept]
        waiting = [shape for shape in self._shapes.values() if shape.plan.route in kept]
        self.memory.clear()
        self._shapes, self._names, self._widest, self.rows, self.bytes = {}, {}, 0, 0, 0
        for shape in waiting:
            self._know(shape)
            self.rows += shape.rows
            self.bytes += shape.size
        yield from self._assembler.batches(_given_away(shapes))
        self._assembler.forget([self.evidence, *(owner for shape in waiting for owner, _ in shape.owners)])

    def reject(self, place: str, reason: str, count: int = 1, sample: str | bytes = "") -> None:
        """Note what could not be read. Equal reasons are gathered after the first `KEPT_REJECTS` of one file."""
        evidence = self.evidence
        assert evidence is not None, "begin() names the evidence first"
        reason = text.clean(reason[:MAX_REASON])
        if reason not in self._rejected and len(self._rejected) >= KEPT_REASONS:
            reason = OTHER_REASONS
        seen = self._rejected[reason] = self._rejected.get(reason, 0) + 1
        if reason in self._gathered:
            self._gathered[reason]["count"] += count
            return
        if isinstance(sample, bytes):
            sample = sample[:200].decode("utf-8", "replace")
        row = {
            "evidence": evidence.uid,
            "name": text.clean(evidence.name),
            "place": text.clean(place if seen <= KEPT_REJECTS else f"{place} and after"),
            "reason": reason,
            "count": count,
            "sample": text.clean(sample[:200]),
        }
        self._rejects.append(row)
        if seen > KEPT_REJECTS:
            self._gathered[reason] = row


def _given_away(shapes: list[assemble.Shape | Slab]) -> Iterator[assemble.Shape | Slab]:
    """Each shape once, kept by nobody here afterwards."""
    shapes.reverse()
    while shapes:
        yield shapes.pop()


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
