"""DuckDB, opened small and spoken to in Arrow; its errors become ours.

Results leave as Arrow only: rows of Python objects would need a time zone library, and time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from kazami.errors import CaseError

NAME = "case.duckdb"

#: What DuckDB may keep in memory; beyond that it spills to the folder ``spill`` of the case.
MEMORY = "200MB"


class Database:
    """A connection to one database file, or to memory where `file` is None."""

    def __init__(
        self,
        file: Path | None,
        *,
        case: Path,
        spill: Path,
        read_only: bool = False,
        memory: str = MEMORY,
        threads: int = 1,
    ) -> None:
        import duckdb  # a fifth of a second that those who write no case need not wait for

        self.case = case
        settings: dict[str, Any] = {
            "threads": threads,
            "memory_limit": memory,
            "temp_directory": str(spill),
            "preserve_insertion_order": file is None,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        }
        with guarded(case):
            self.connection = duckdb.connect(str(file or ":memory:"), read_only=read_only, config=settings)
            self.connection.execute("SET TimeZone = 'UTC'")

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        with guarded(self.case):
            self.connection.close()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Execute a statement whose result nobody wants."""
        with guarded(self.case):
            self.connection.execute(sql, list(parameters))

    def table(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The result of a query, whole."""
        with guarded(self.case):
            return self.reader(sql, parameters).read_all()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The result of a small query as dictionaries."""
        found: list[dict[str, Any]] = self.table(sql, parameters).to_pylist()
        return found

    def reader(self, sql: str, parameters: Sequence[Any] = (), size: int = 8192) -> pa.RecordBatchReader:
        """The result of a query, `size` rows a time; DuckDB's own errors come through."""
        relation = self.connection.sql(sql, params=list(parameters))
        if hasattr(relation, "to_arrow_reader"):
            return relation.to_arrow_reader(size)
        return relation.fetch_arrow_reader(size)  # DuckDB before 1.4

    def insert(self, sql: str, table: pa.Table) -> None:
        """Execute `sql`, in which ``new`` is `table`."""
        with guarded(self.case):
            self.connection.register("new", table)
            try:
                self.connection.execute(sql)
            finally:
                self.connection.unregister("new")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self.run("BEGIN")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            with contextlib.suppress(CaseError):  # the transaction may be gone with what went wrong
                self.run("ROLLBACK")
            raise


@contextlib.contextmanager
def guarded(case: Path) -> Iterator[None]:
    """DuckDB's and the system's errors inside become a CaseError that names the case."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise CaseError(f"{case}: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise CaseError(f"{case}: {error.strerror or error}") from error
