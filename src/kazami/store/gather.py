"""Answers to what detectors ask (`model.question`): DuckDB chooses and projects, batches come as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from kazami.model.question import WHERE_FROM, Question
from kazami.store.names import identifier, literal
from kazami.store.views import Views

if TYPE_CHECKING:
    from kazami.store.case import Case


def gather(case: Case, question: Question, views: Views | None = None) -> Iterator[pa.RecordBatch]:
    """Batches of `question.schema()`, of all tenants; none where the case has no such log source.

    Columns that the log source does not have are null. Events that are known twice come once, as in its view. `views`
    are those of the case, where somebody with many questions has made them.
    """
    view = (views or Views(case.database, case.root)).sql(question.table)
    if view is None:
        return
    have = {
        row["column_name"].lower(): row["column_type"]
        for row in case.database.rows(f"DESCRIBE SELECT * FROM ({view}) LIMIT 0")  # noqa: S608 - ours
    }
    schema = question.schema()
    if question.ids and "eventid" not in have:
        return
    shown = [f"{_envelope(name, have)} AS {identifier(name)}" for name in WHERE_FROM]
    for name, fields in question.columns.items():
        value = _first(fields, have)
        value = f"try_cast({value} AS DOUBLE)" if name in question.numbers else value
        shown.append(f"{value} AS {identifier(name)}")
    if question.ids:
        shown.append('"EventID"')
    conditions = []
    if question.ids:
        conditions.append(f'"EventID" IN ({", ".join(map(literal, question.ids))})')
    if question.like:
        column, pattern = question.like
        conditions.append(f"regexp_matches({identifier(column)}, {literal(pattern)}, 'i')")
    sql = f"SELECT * FROM (SELECT {', '.join(shown)} FROM ({view}))"  # noqa: S608 - names are quoted
    if conditions:
        sql += f" WHERE {' AND '.join(conditions)}"
    for batch in case.database.stream(sql, size=question.size):
        yield pa.RecordBatch.from_arrays(
            [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)],
            schema=schema,
        )


def _envelope(name: str, have: dict[str, str]) -> str:
    if name == "event_uid" and name not in have and "event_uids" in have:
        return "coalesce(\"event_uids\"[1], '')"
    return identifier(name) if name in have else "NULL"


def _first(fields: tuple[str, ...], have: dict[str, str]) -> str:
    there = [_text(name, have[name.lower()]) for name in fields if name.lower() in have]
    return f"coalesce({', '.join(there)})" if there else "NULL::VARCHAR"


def _text(name: str, kind: str) -> str:
    plain = kind.upper() == "VARCHAR"
    return f"nullif({identifier(name)}, '')" if plain else f"to_json({identifier(name)})::VARCHAR"
