"""DuckDB, opened small and spoken to in Arrow; its errors become ours.

Results leave as Arrow only: rows of Python objects would need a time zone library, and time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from kazami.errors import CaseError
from kazami.store.names import literal

NAME = "case.duckdb"

#: What DuckDB may keep in memory while workers run, afterwards, and for a reader; beyond that it spills.
MEMORY, ALONE_MEMORY, READER_MEMORY = "80MB", "200MB", "300MB"

#: Bytes of blobs in 2,048 rows for which these are enough.
BLOBS = 40 << 20

#: Size of DuckDB's log at which it is worked into the file; until then memory holds it. The last rows of a table are
#: written anew each time. Looking for what texts have in common (FSST) takes half of that time, for a tenth of the size.
LOG = "16MB"

#: The oldest DuckDB that must be able to read a case: the oldest that we run with.
STORAGE = "v1.2.0"


class Database:
    """A connection to a database file, to read and write it; `sandbox` makes one that can only read.

    The file is attached as ``kase``, and is where the connection looks for tables.
    """

    def __init__(self, file: Path, *, case: Path, spill: Path) -> None:
        self.case = case
        self._wide = False
        self._blobs = 0
        with guarded(case):
            self.connection = _connect(spill, threads=1, memory=MEMORY, ordered=False)
            self._attach(file, "" if file.exists() else f"(STORAGE_VERSION '{STORAGE}')")

    @classmethod
    def sandbox(cls, file: Path, *, case: Path, spill: Path) -> Database:
        """A connection that can read `file` and the events of `case`, and nothing else in the world.

        Settings are locked, nothing can be loaded, installed or attached. A cursor of it looks for tables in an
        empty database in memory.
        """
        self = cls.__new__(cls)
        self.case = case
        self._wide = True
        self._blobs = 0
        events = (case / "events").absolute().as_posix()
        with guarded(case):
            self.connection = _connect(spill, threads=2, memory=READER_MEMORY, ordered=True)
            self._attach(file, "(READ_ONLY)")
            self.connection.execute(f"SET allowed_directories = [{literal(events)}]")
            self.connection.execute("SET enable_external_access = false")
            self.connection.execute("SET lock_configuration = true")
        return self

    def _attach(self, file: Path, how: str) -> None:
        self.connection.execute(f"ATTACH {literal(str(file))} AS kase {how}")
        self.connection.execute("USE kase")

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
            return arrow_reader(self.connection.sql(sql, params=list(parameters)), 8192).read_all()

    @cached_property
    def tables(self) -> frozenset[str]:
        """The tables of the file, as they were when this was first asked: they are made where it is opened."""
        rows = self.rows(
            "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'kase' AND table_type = 'BASE TABLE'"
        )
        return frozenset(row["table_name"] for row in rows)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The result of a small query as dictionaries."""
        found: list[dict[str, Any]] = self.table(sql, parameters).to_pylist()
        return found

    def stream(
        self, sql: str, parameters: Sequence[Any] = (), *, size: int = 8192, **tables: pa.Table
    ) -> pa.RecordBatchReader:
        """The result of a query, at most `size` rows a batch, while others are asked; `tables` are known by name.

        It runs on a connection of its own, which sees what is committed and finds tables under ``kase`` only.
        """
        with guarded(self.case):
            cursor = self.connection.cursor()
            for name, table in tables.items():
                cursor.register(name, table)
            reader = arrow_reader(cursor.sql(sql, params=list(parameters)), size)
        return pa.RecordBatchReader.from_batches(reader.schema, _drained(self.case, cursor, reader))

    def insert(self, sql: str, table: pa.Table) -> None:
        """Execute `sql`, in which ``new`` is `table`."""
        with guarded(self.case):
            self.connection.register("new", table)
            try:
                self.connection.execute(sql)
            finally:
                self.connection.unregister("new")

    def widen(self, *, wide: bool = True) -> None:
        """From now on no workers run: more memory and a second thread. `wide` False: workers will run."""
        if wide != self._wide:
            self._wide = wide
            self._allow(0)
            self.run(f"SET threads = {2 if wide else 1}")

    def expect(self, blobs: int) -> None:
        """`blobs` bytes are in 2,048 rows of a table: where its last rows are written anew, memory holds them at once."""
        if max(blobs, self._blobs) > BLOBS and blobs != self._blobs:
            self._blobs = blobs
            self._allow(0)

    @contextlib.contextmanager
    def room(self, size: int) -> Iterator[None]:
        """`size` bytes more while no workers run: a scan holds the blobs of 2,048 rows at once, however many are asked for."""
        self.widen()
        self._allow(size)
        try:
            yield
        finally:
            self._allow(0)

    def _allow(self, more: int) -> None:
        limit = ALONE_MEMORY if self._wide else MEMORY
        more += max(0, self._blobs - BLOBS)
        self.run(f"SET memory_limit = '{int(limit.removesuffix('MB')) + (more >> 20)}MB'")

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


def _drained(case: Path, cursor: Any, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    with guarded(case), contextlib.closing(cursor):
        yield from reader


def arrow_reader(relation: Any, size: int) -> pa.RecordBatchReader:
    """The rows of a relation, as they come, `size` a batch."""
    if hasattr(relation, "to_arrow_reader"):
        return relation.to_arrow_reader(size)
    return relation.fetch_arrow_reader(size)  # DuckDB 1


def prepare() -> None:
    """Load DuckDB before anybody waits for it."""
    import duckdb  # noqa: F401


def _connect(spill: Path, *, threads: int, memory: str, ordered: bool) -> Any:
    import duckdb  # a fifth of a second that those who touch no case need not wait for

    settings = {
        "threads": threads,
        "memory_limit": memory,
        "temp_directory": str(spill),
        "checkpoint_threshold": LOG,
        "disabled_compression_methods": "fsst",
        "allocator_flush_threshold": "1MB",
        "allocator_bulk_deallocation_flush_threshold": "1MB",
        "preserve_insertion_order": ordered,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
    }
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


@contextlib.contextmanager
def guarded(case: Path) -> Iterator[None]:
    """DuckDB's and the system's errors inside become a CaseError that names the case."""
    import duckdb

    try:
        with interruptible():
            yield
    except duckdb.Error as error:
        raise CaseError(f"{case}: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise CaseError(f"{case}: {error.strerror or error}") from error


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C while DuckDB works is told as such."""
    try:
        yield
    except RuntimeError as error:
        if "interrupted" not in str(error):
            raise
        raise KeyboardInterrupt from error
