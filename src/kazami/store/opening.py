"""How a case is opened: for writing, by one; for reading, by anybody, even while somebody writes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kazami.errors import CaseError
from kazami.store import schema, segment
from kazami.store.database import NAME, Database, guarded
from kazami.store.lock import NAME as LOCK
from kazami.store.lock import WriterLock, reading

_OURS = {NAME, f"{NAME}.wal", LOCK, segment.EVENTS, segment.STAGING, "spill"}
_PATIENCE = 10.0  # seconds for readers to end


def writer(folder: Path, *, create: bool, command: str) -> tuple[Database, WriterLock]:
    """The database of the case in `folder`, and the right to change it."""
    _make_folder(folder, create)
    lock = WriterLock(folder, command)
    try:
        with lock.changing():
            database = _connect(folder)
            try:
                _check_schema(database, folder)
                for name in (segment.EVENTS, segment.STAGING):
                    with guarded(folder):
                        (folder / name).mkdir(exist_ok=True)
            except BaseException:
                database.close()
                raise
    except BaseException:
        lock.release()
        raise
    return database, lock


def reader(folder: Path) -> tuple[Database, Callable[[], None]]:
    """The database of the case in `folder` to read, and how it is closed.

    DuckDB lets nobody read what another process writes: then a copy of the last commit is read.
    """
    file = folder / NAME
    if not file.is_file():
        raise CaseError(f"{folder}: there is no case here")
    with reading(folder) as is_written:
        if not is_written:
            database = Database(file, case=folder, spill=spill(folder), read_only=True)
            close = database.close
        else:
            copy = snapshot(folder)
            database = Database(Path(copy.name) / NAME, case=folder, spill=spill(folder), read_only=True)

            def close() -> None:
                database.close()
                copy.cleanup()

    try:
        _check_schema(database, folder, may_create=False)
    except BaseException:
        close()
        raise
    return database, close


def snapshot(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder with a copy of the database. To be made inside `lock.reading` or `WriterLock.changing`."""
    staging = folder / segment.STAGING
    place = staging if os.access(staging, os.W_OK) else None
    with guarded(folder):
        copy = tempfile.TemporaryDirectory(prefix="snapshot-", dir=place, ignore_cleanup_errors=True)
        for name in (NAME, f"{NAME}.wal"):
            if (folder / name).exists():
                shutil.copyfile(folder / name, Path(copy.name) / name)
    return copy


def spill(folder: Path) -> Path:
    """Where DuckDB puts what does not fit into its memory."""
    if os.access(folder, os.W_OK):
        return folder / "spill" / str(os.getpid())
    return Path(tempfile.gettempdir()) / f"kazami-spill-{os.getpid()}"


def _make_folder(folder: Path, create: bool) -> None:
    if (folder / NAME).is_file():
        return
    if not create:
        raise CaseError(f"{folder}: there is no case here")
    with guarded(folder):
        folder.mkdir(parents=True, exist_ok=True)
        strange = sorted({entry.name for entry in folder.iterdir()} - _OURS)
    if strange:
        raise CaseError(f"{folder}: is no case, and not empty ({strange[0]!r} is in it)")


def _connect(folder: Path) -> Database:
    """Open the file for writing; readers of this very moment are waited for."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return Database(folder / NAME, case=folder, spill=spill(folder))
        except CaseError as error:
            if "Could not set lock" not in str(error):
                raise
            if time.monotonic() > end:
                raise CaseError(f"{folder}: is being read by another program: {error}") from error
            time.sleep(0.1)


def _check_schema(database: Database, folder: Path, *, may_create: bool = True) -> None:
    tables = database.rows("SELECT table_name FROM duckdb_tables() WHERE table_name = 'meta'")
    if not tables:
        if not may_create:
            raise CaseError(f"{folder}: was never finished being made; a scan into it will do so")
        with database.transaction():
            database.run(schema.statements())
            database.run("INSERT INTO meta VALUES ('schema', ?)", [str(schema.VERSION)])
        return
    version = int(database.rows("SELECT value FROM meta WHERE key = 'schema'")[0]["value"])
    if version > schema.VERSION:
        raise CaseError(
            f"{folder}: was written by a newer version of Kazami (schema {version}, this one knows "
            f"{schema.VERSION}); use that version"
        )
