"""What is handed to a worker, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from kazami.model.result import EvidenceRow
from kazami.store.segment import Segment

#: Bytes of evidence that make a task: enough to be worth a message; little, because what is compressed holds many
#: times more, and because a task is read as a whole or not at all.
TASK_BYTES = 1 << 20

#: Files that make a task at most: their names fit into a message that is sent ahead.
TASK_FILES = 16


@dataclass(frozen=True, slots=True)
class Part:
    """A file, or the bytes from `start` to `stop` of it, as one step of a scan.

    `uid` names the file as it is now (path, size, time of change); `store` is False where its events are in the case
    already and only the rules are new.
    """

    uid: str
    path: str
    size: int
    tenant: str
    start: int = 0
    stop: int | None = None
    store: bool = True

    @property
    def bytes(self) -> int:
        """How much of the file it is."""
        return (self.size if self.stop is None else self.stop) - self.start


Task = tuple[Part, ...]


@dataclass(slots=True)
class Unit:
    """What a worker made of a stretch of evidence. Tables are Arrow IPC streams, to cross processes cheaply."""

    segments: list[Segment] = field(default_factory=list)
    findings: list[bytes] = field(default_factory=list)
    fuel: list[bytes] = field(default_factory=list)
    rejects: list[bytes] = field(default_factory=list)
    evidence: list[EvidenceRow] = field(default_factory=list)
    touched: list[Part] = field(default_factory=list)  # parts that have events in here and are not complete
    failed: list[Part] = field(default_factory=list)  # parts of which nothing could be read
    events: int = 0
    found: int = 0
    timeouts: dict[str, int] = field(default_factory=dict)
    undated: dict[str, int] = field(default_factory=dict)  # events without a time, by evidence


def tasks(parts: Iterable[Part]) -> Iterator[Task]:
    """Parts gathered into tasks."""
    waiting: list[Part] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += part.bytes
        if size >= TASK_BYTES or len(waiting) >= TASK_FILES:
            yield tuple(waiting)
            waiting, size = [], 0
    if waiting:
        yield tuple(waiting)


def divide(task: Task) -> list[Task]:
    """The two halves of a task; itself where it is one part."""
    middle = len(task) // 2
    return [task[:middle], task[middle:]] if middle else [task]


def packed(table: pa.Table) -> list[bytes]:
    """A table as an Arrow IPC stream; nothing where it has no rows."""
    if not table.num_rows:
        return []
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return [bytes(sink.getvalue())]


def unpacked(streams: Iterable[bytes], schema: pa.Schema) -> pa.Table:
    """What one or several streams hold, as one table."""
    tables = [schema.empty_table()]
    for stream in streams:
        with pa.ipc.open_stream(stream) as reader:
            tables.append(reader.read_all())
    return pa.concat_tables(tables)
