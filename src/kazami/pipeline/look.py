"""Evidence read in this process, a piece at a time: for commands that look at single events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import nsmallest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kazami.errors import EvidenceError
from kazami.model.event import REJECTS, LogSource, Route, field_names, field_of
from kazami.model.evidence import Evidence
from kazami.pipeline.reader import HEAD, sources
from kazami.sources import walk
from kazami.sources.identify import identify

Fields = dict[str, str | list[str | None] | None]


def batches(paths: Iterable[Path], tenant: str = "default") -> Iterator[pa.RecordBatch]:
    """Batches of events of all evidence in `paths`. Raises EvidenceError where something is not evidence."""
    for found in walk.find(paths, tenant=tenant):
        if not isinstance(found, Evidence):
            raise EvidenceError(found["name"], found["reason"], found["place"])
        with found.open() as stream:
            name, note = identify(found.name, stream.read(HEAD), sources())
        if not name:
            raise EvidenceError(found.name, note)
        source = next(extension.object for extension in sources() if extension.name == name)
        yield from (batch for batch in source.read(found) if Route.of(batch) != REJECTS)


def event(path: Path, number: int) -> list[tuple[tuple[LogSource, ...], Fields]]:
    """The event `number`, from 1, of the evidence in `path`, in the order of its records; empty where there is none.

    It is given as its own log source says it, then in the words of each other that it feeds. A field that is
    missing is no key, an explicit null is None. The evidence is read twice, and never held whole.
    """
    files: dict[str, int] = {}
    first = nsmallest(number, (place for batch in batches([path]) for place in _places(batch, files)))
    if len(first) < number:
        return []
    uid = first[-1][2]
    found = [(Route.of(batch), batch, row) for batch in batches([path]) for row in _rows(batch, uid)]
    seen: dict[Route, Fields] = {}
    for route, batch, row in sorted(found, key=lambda one: one[0].projected):
        seen.setdefault(route, _fields(batch, row))
    return [(route.sources, fields) for route, fields in seen.items()]


def _places(batch: pa.RecordBatch, files: dict[str, int]) -> Iterator[tuple[int, int, str]]:
    """File, record and uid of each event, without what is told a second time to another log source."""
    if not Route.of(batch).projected:
        names = ("evidence", "record", "event_uid")
        for evidence, record, uid in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
            yield files.setdefault(evidence, len(files)), record, uid


def _rows(batch: pa.RecordBatch, uid: str) -> list[int]:
    rows: list[int] = pc.indices_nonzero(pc.equal(batch.column("event_uid"), uid)).to_pylist()
    return rows


def _fields(batch: pa.RecordBatch, row: int) -> Fields:
    columns = ((name, batch.column(name)) for name in field_names(batch.schema))
    return {field_of(name): column[row].as_py() for name, column in columns if _is_there(column, row)}


def _is_there(column: Any, row: int) -> bool:
    validity = column.indices if pa.types.is_dictionary(column.type) else column
    return bool(validity[row].is_valid)
