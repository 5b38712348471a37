"""Events of a case as they were read, a few of each kind: to measure with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from kazami.errors import CaseError
from kazami.model.event import LogSource, Route

if TYPE_CHECKING:
    from kazami.store.case import Case

#: Events of a batch.
SIZE = 8192


def sample(case: Case, each: int) -> Iterator[pa.RecordBatch]:
    """Batches with their `Route`, at most `each` events of a kind, the latest read first. Raises CaseError."""
    taken: Counter[tuple[str, bool]] = Counter()
    rows = case.database.rows('SELECT path, "table", projected, sources FROM segment ORDER BY id DESC')
    for row in rows:
        kind = row["table"], row["projected"]
        if taken[kind] >= each:
            continue
        sources = tuple(LogSource(*source) for source in json.loads(row["sources"]))
        metadata = Route(row["table"], sources, row["projected"]).to_metadata()
        try:
            with pq.ParquetFile(case.path / row["path"]) as file:
                for batch in file.iter_batches(SIZE):
                    batch = batch.slice(0, each - taken[kind])
                    taken[kind] += batch.num_rows
                    yield batch.replace_schema_metadata(metadata)
                    if taken[kind] >= each:
                        break
        except (OSError, pa.ArrowException) as error:
            raise CaseError(f"{row['path']}: cannot be read: {error}") from error
