"""Rules and events for tests of the matcher and of what comes after it, without any source or parser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from kazami.detect.sigma.expression import Expression, Predicate
from kazami.detect.sigma.rule import Rule
from kazami.model.event import ENVELOPE, LogSource, Route
from kazami.model.rule import RuleInfo

SOURCE = LogSource("windows", "process_creation")


def rule(
    expression: Expression, number: int | str = 0, source: LogSource = SOURCE, report: bool = True
) -> Rule:
    """A rule of that condition; its number is its id."""
    return Rule(RuleInfo(str(number), "v", f"rule {number}", logsource=source), expression, report)


def match(field: str | None, *parts: str | int) -> Expression:
    """The question whether a field has this shape."""
    return ("is", Predicate(field, "match", parts))


def batch(
    events: Sequence[Mapping[str, Any]],
    route: Route | None = None,
    envelope: Mapping[str, Sequence[Any]] | None = None,
) -> pa.RecordBatch:
    """Events as a batch: missing, null and several values kept apart as `kazami.model.event` says."""
    rows = len(events)
    said = {"event_uid": [str(row) for row in range(rows)], **(envelope or {})}
    arrays = {field.name: pa.array(said.get(field.name, [None] * rows), field.type) for field in ENVELOPE}
    for name in sorted({name for event in events for name in event}):
        arrays[name] = column([event.get(name, ...) for event in events])
    schema = pa.schema([pa.field(n, a.type) for n, a in arrays.items()])
    route = route or Route("process_creation", (SOURCE,))
    return pa.RecordBatch.from_arrays(list(arrays.values()), schema=schema.with_metadata(route.to_metadata()))


def column(cells: Sequence[Any]) -> pa.Array:
    """One field; ``...`` where it is missing."""
    if any(isinstance(cell, list) for cell in cells):
        lists = [None if cell is ... else cell if isinstance(cell, list) else [cell] for cell in cells]
        return pa.array(lists, pa.list_(pa.string()))
    values = list(dict.fromkeys(cell for cell in cells if cell is not ...))
    codes = [None if cell is ... else values.index(cell) for cell in cells]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(values, pa.string()))
