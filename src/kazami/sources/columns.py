"""From records to columns: the one place where sources build batches.

A source finds, for each *shape* of record (a fixed tuple of keys), one `Plan`, and hands every record over as
a tuple of cells in the order of these keys. `Columns` keeps the cells of a shape together, turns them into Arrow
columns without looking at a record again, and gives `event_uid` and the rest of the envelope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from kazami.model.event import Route
from kazami.model.evidence import Evidence

#: A value as a parser gives it. Lists are multi-valued fields; objects never arrive here (flatten them before).
Cell: TypeAlias = "str | int | float | bool | list[Cell] | None"

#: Makes one text of one or several cells (each as text, None where null); None means the field is missing.
Transform: TypeAlias = Callable[..., "str | None"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a plan: its name, which cells it is made of, and how (None: the cell as it is)."""

    name: str
    cells: tuple[int, ...]
    transform: Transform | None = None


@dataclass(frozen=True, slots=True)
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


class Columns:
    """Collects the records of one piece of evidence and gives batches of events."""

    def __init__(self, evidence: Evidence, limit: int = 8192) -> None:
        raise RuntimeError("being written")

    def add(self, plan: Plan, cells: Sequence[Cell], raw: str, record: int) -> None:
        """Take one record: `raw` is its original text, `record` its id, or its number in the file from 1."""
        raise RuntimeError("being written")

    def full(self) -> Iterator[pa.RecordBatch]:
        """Batches, once `limit` records wait; to be called after every record or every few."""
        raise RuntimeError("being written")

    def rest(self) -> Iterator[pa.RecordBatch]:
        """Everything that still waits, events and rejects."""
        raise RuntimeError("being written")

    def reject(self, place: str, reason: str, count: int = 1, sample: str | bytes = "") -> None:
        """Note what could not be read. Equal reasons are gathered after the first 100 of one file."""
        raise RuntimeError("being written")
