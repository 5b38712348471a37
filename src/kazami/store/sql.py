"""Questions of people to a case, in SQL: they can read the case, and nothing else.

A question is one SELECT (or FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE). It is parsed first; of functions that give
tables only harmless ones are allowed; it runs as a subquery, where nothing can change data; and DuckDB is closed
to files outside the case, to the network, to extensions and to changes of its settings (`Database.sandbox`).
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kazami.errors import UsageError
from kazami.store.database import arrow_reader, interruptible
from kazami.store.names import identifier
from kazami.store.views import Views

if TYPE_CHECKING:
    from kazami.store.database import Database

#: Functions in FROM that look at nothing but their arguments and the case.
_FUNCTIONS = frozenset(
    {"duckdb_columns", "duckdb_functions", "duckdb_tables", "duckdb_views", "generate_series", "histogram"}
    | {"json_each", "json_tree", "pragma_table_info", "range", "repeat", "unnest"}
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a question may use. `seconds` None: as long as it takes."""

    seconds: float | None = None
    batch: int = 2048  # rows


#: Log sources, and columns of them, that are there for a question, as nothing where the case has none.
Fill = Mapping[str, Sequence[str]]
NO_FILL: Fill = {}


def ask(
    database: Database, root: str, query: str, limits: Limits, fill: Fill = NO_FILL
) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    """The names of the columns, and the rows as they come. `database` is a sandbox; see `Case.sql`."""
    cursor = database.connection.cursor()
    stack = contextlib.ExitStack()
    stack.callback(cursor.close)
    if limits.seconds is not None:
        timer = threading.Timer(limits.seconds, cursor.interrupt)
        timer.daemon = True
        timer.start()
        stack.callback(timer.cancel)
    try:
        with _told(limits):
            tables, everything = _look(cursor, query)
            views = Views(database, root)
            _make_views(cursor, views, views.names if everything else [*tables, *fill], fill)
            with _known(views):
                relation = cursor.sql(f"SELECT * FROM (\n{query.strip().rstrip(';')}\n)")  # noqa: S608 - meant
                reader = arrow_reader(relation, limits.batch)
    except BaseException:
        stack.close()
        raise
    return list(reader.schema.names), _batches(reader, stack, limits)


def _batches(
    reader: pa.RecordBatchReader, stack: contextlib.ExitStack, limits: Limits
) -> Iterator[pa.RecordBatch]:
    with stack, _told(limits):
        yield from reader


def _look(cursor: Any, query: str) -> tuple[list[str], bool]:
    """The tables that a question names, and whether it asks what there is; UsageError where it must not be run."""
    statements = cursor.extract_statements(query)
    if len(statements) != 1:
        raise UsageError("a question is one SELECT statement, not none and not several")
    parsed = json.loads(cursor.execute("SELECT json_serialize_sql(?)", [query]).fetchall()[0][0])
    if parsed.get("error"):
        raise UsageError(f"only a SELECT can be asked: {parsed.get('error_message', 'not understood')}")
    tables: list[str] = []
    everything = False
    for node in _nodes(parsed):
        kind = node.get("type")
        if kind == "BASE_TABLE":
            tables.append(node["table_name"])
            everything |= bool(node.get("schema_name"))
        elif kind == "TABLE_FUNCTION":
            name = node["function"]["function_name"].lower()
            if name not in _FUNCTIONS:
                raise UsageError(f"the function {name}() cannot be used here")
            everything |= name.startswith("duckdb_")
        elif kind == "SHOW_REF" and node.get("table_name"):
            tables.append(node["table_name"].strip('"'))
            everything = True
    return list(dict.fromkeys(tables)), everything


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """All objects of a parsed query; a loop, because a hostile one nests deeply."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _make_views(cursor: Any, views: Views, names: list[str], fill: Fill) -> None:
    for name in names:
        sql = views.filled(name, fill[name]) if name in fill else views.sql(name)
        if sql is not None:
            cursor.execute(f"CREATE OR REPLACE VIEW {identifier(name.lower())} AS {sql}")


@contextlib.contextmanager
def _known(views: Views) -> Iterator[None]:
    """An unknown table is answered with what there is."""
    import duckdb

    try:
        yield
    except duckdb.CatalogException as error:
        if "Table with name" not in str(error):
            raise
        names = views.names
        more = f" and {len(names) - 60} more" if len(names) > 60 else ""
        raise UsageError(f"{error}\nThis case has: {', '.join(names[:60])}{more}") from error


@contextlib.contextmanager
def _told(limits: Limits) -> Iterator[None]:
    """DuckDB's errors as ours."""
    import duckdb

    try:
        with interruptible():
            yield
    except duckdb.InterruptException as error:
        raise UsageError(f"the question was stopped after {limits.seconds:g} s") from error
    except (duckdb.Error, pa.ArrowException) as error:
        raise UsageError(str(error)) from error
