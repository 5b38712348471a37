"""How a case is opened: for writing, by one; for reading, by anybody, even while somebody writes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from kazami.errors import CaseError
from kazami.store import schema, segment
from kazami.store.database import NAME, Database, guarded
from kazami.store.lock import NAME as LOCK
from kazami.store.lock import ReaderLock, WriterLock

_OURS = {NAME, f"{NAME}.wal", LOCK, segment.EVENTS, segment.STAGING}
SPILL = "spill-"


def writer(folder: Path, *, create: bool, command: str) -> tuple[Database, WriterLock]:
    """The database of the case in `folder`, and the right to change it."""
    _make_folder(folder, create)
    lock = WriterLock(folder, command)
    try:
        with lock.changing():
            database = Database(folder / NAME, case=folder, spill=spill(folder))
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
    with contextlib.ExitStack() as stack:
        if not (folder / NAME).is_file():
            raise CaseError(f"{folder}: there is no case here")
        lock = ReaderLock(folder)
        stack.callback(lock.release)
        file = folder / NAME
        if lock.is_written:
            with lock.copying():
                file = _copy(folder, stack)
            lock.release()
        database = Database.sandbox(file, case=folder, spill=spill(folder))
        stack.callback(database.close)
        _check_schema(database, folder, may_create=False)
        return database, stack.pop_all().close


def _copy(folder: Path, stack: contextlib.ExitStack) -> Path:
    """A copy of the database, until `stack` is closed."""
    staging = folder / segment.STAGING
    place = staging if os.access(staging, os.W_OK) else None
    with guarded(folder):
        copy = tempfile.TemporaryDirectory(prefix="snapshot-", dir=place, ignore_cleanup_errors=True)
        stack.enter_context(copy)
        for name in (NAME, f"{NAME}.wal"):
            if (folder / name).exists():
                shutil.copyfile(folder / name, Path(copy.name) / name)
    return Path(copy.name) / NAME


def spill(folder: Path) -> Path:
    """Where DuckDB puts what does not fit into its memory."""
    if os.access(folder, os.W_OK):
        return folder / f"{SPILL}{os.getpid()}"
    return Path(tempfile.gettempdir()) / f"kazami-{SPILL}{os.getpid()}"


def _make_folder(folder: Path, create: bool) -> None:
    if (folder / NAME).is_file():
        return
    if not create:
        raise CaseError(f"{folder}: there is no case here")
    with guarded(folder):
        folder.mkdir(parents=True, exist_ok=True)
        names = {entry.name for entry in folder.iterdir()} - _OURS
        strange = sorted(name for name in names if not name.startswith(SPILL))
    if strange:
        raise CaseError(f"{folder}: is no case, and not empty ({strange[0]!r} is in it)")


def _check_schema(database: Database, folder: Path, *, may_create: bool = True) -> None:
    tables = database.rows("SELECT table_name FROM information_schema.tables WHERE table_name = 'meta'")
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
    if may_create and version < schema.VERSION:
        with database.transaction():
            database.run(schema.statements())
            database.run("UPDATE meta SET value = ? WHERE key = 'schema'", [str(schema.VERSION)])
