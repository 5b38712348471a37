"""Evidence read in this process, a piece at a time: for commands that look at single events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from kazami.errors import EvidenceError
from kazami.model.event import REJECTS, Route, field_names, field_of
from kazami.model.evidence import Evidence
from kazami.pipeline.reader import HEAD, sources
from kazami.sources import walk
from kazami.sources.identify import identify

Fields = dict[str, "str | list[str | None] | None"]


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


def events(paths: Iterable[Path]) -> Iterator[tuple[Route, Fields]]:
    """Single events with their route; a field that is missing is no key, an explicit null is None."""
    for batch in batches(paths):
        route = Route.of(batch)
        columns = {name: batch.column(name) for name in field_names(batch.schema)}
        for row in range(batch.num_rows):
            yield (
                route,
                {
                    field_of(name): column[row].as_py()
                    for name, column in columns.items()
                    if _is_there(column, row)
                },
            )


def _is_there(column: Any, row: int) -> bool:
    validity = column.indices if pa.types.is_dictionary(column.type) else column
    return bool(validity[row].is_valid)
