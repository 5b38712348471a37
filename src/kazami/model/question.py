"""What a detector asks a case for: columns of one log source, and which of its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

#: Columns of the envelope that every answer has.
WHERE_FROM: tuple[str, ...] = (
    "event_uid",
    "time",
    "tenant",
    "host",
    "user",
    "evidence",
    "record",
)

_KEY = b"kazami.question"


@dataclass(frozen=True, slots=True)
class Question:
    """`columns` maps a name to fields of which the first that has a value is taken; `ids` are values of EventID.

    `table` is a view of the case: a log source, or ``finding``. `like` keeps only events whose column (one of
    `columns`) matches a regular expression in RE2's words, whatever the case of letters. `numbers` are columns that
    are given as numbers, null where the text is none; `size` is how many rows a batch may have.
    """

    table: str
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    like: tuple[str, str] | None = None
    numbers: frozenset[str] = frozenset()
    size: int = 8192

    def schema(self) -> pa.Schema:
        """Of an answer: the envelope's columns, then `columns` as text or numbers; its metadata names the table."""
        own = [pa.field(name, pa.float64() if name in self.numbers else pa.string()) for name in self.columns]
        if self.ids:
            own.append(pa.field("EventID", pa.string()))
        types = {"time": pa.timestamp("us", "UTC"), "record": pa.int64()}
        envelope = [pa.field(name, types.get(name, pa.string())) for name in WHERE_FROM]
        return pa.schema([*envelope, *own], metadata={_KEY: self.table.encode()})


def asked(batch: pa.RecordBatch) -> str:
    """The table whose answer `batch` is; KeyError where it is none."""
    return str((batch.schema.metadata or {})[_KEY].decode())
