"""A hunt, asked of a case: found, nothing, or that this case does not hold the log that could tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pyarrow as pa

from kazami.errors import UsageError
from kazami.model.event import ENVELOPE_NAMES
from kazami.store.case import Case
from kazami.store.sql import Limits
from kazami.survey.hunt import Hunt, Need

#: Rows of an answer that are kept, and seconds that a hunt may take.
ROWS, SECONDS = 1000, 120.0


class State(StrEnum):
    """What came of a hunt."""

    found = "found"
    nothing = "nothing"  # the logs that it needs are there, and say nothing
    partly = "partly"  # nothing in the logs that are there; others that could tell are not
    blind = "blind"  # none of the logs that it needs is there
    failed = "failed"  # its SQL could not be run


@dataclass(frozen=True, slots=True)
class Missing:
    """A log source that is not in the case, or the fields of it that are not."""

    need: Need
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.need.log} ({', '.join(self.fields)})" if self.fields else self.need.log


@dataclass(frozen=True, slots=True)
class Answer:
    """What a case answers to a hunt: at most `ROWS` rows under `names`, `more` where there are further ones."""

    hunt: Hunt
    state: State
    missing: tuple[Missing, ...] = ()
    names: tuple[str, ...] = ()
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    more: bool = False
    reason: str = ""


def ask(case: Case, hunt: Hunt, known: Mapping[str, frozenset[str]], rows: int = ROWS) -> Answer:
    """The answer of `case` to `hunt`. `known` are the views of the case with their columns (`store.seen.views`)."""
    missing = tuple(gone for need in hunt.needs if (gone := _missing(need, known)) is not None)
    if all(any(gone.need is need for gone in missing) for need in hunt.needs if need.alone or not need.extra):
        return Answer(hunt, State.blind, missing)
    try:
        names, batches = case.sql(hunt.sql, Limits(seconds=SECONDS), hunt.fill)
        found = _rows(batches, rows + 1)
    except UsageError as error:
        return Answer(hunt, State.failed, missing, reason=str(error))
    silent = State.partly if any(not gone.need.extra for gone in missing) else State.nothing
    state = State.found if found else silent
    return Answer(hunt, state, missing, tuple(names), found[:rows], len(found) > rows)


def _missing(need: Need, known: Mapping[str, frozenset[str]]) -> Missing | None:
    columns = known.get(need.log.lower())
    if columns is None:
        return Missing(need)
    have = {name.lower() for name in columns | ENVELOPE_NAMES}
    fields = tuple(name for name in need.fields if name.lower() not in have)
    return Missing(need, fields) if fields else None


def _rows(batches: Any, limit: int) -> list[tuple[Any, ...]]:
    """The first `limit` rows."""
    rows: list[tuple[Any, ...]] = []
    for batch in batches:
        columns = [_values(column) for column in batch.columns]
        rows.extend(zip(*columns, strict=True))
        if len(rows) >= limit:
            batches.close()
            break
    return rows[:limit]


def _values(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values
