"""The file of the console's own memory, and its tables."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kazami.errors import UsageError

_VERSION = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS person (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, role TEXT NOT NULL,
    tenants TEXT NOT NULL, password TEXT NOT NULL, made TEXT NOT NULL, ended TEXT, outside TEXT);
CREATE TABLE IF NOT EXISTS session (digest TEXT PRIMARY KEY, person INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT,
    made REAL NOT NULL, used REAL NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (seq INTEGER PRIMARY KEY, time TEXT NOT NULL, who TEXT NOT NULL, act TEXT NOT NULL,
    place TEXT NOT NULL, tenant TEXT, what TEXT NOT NULL, chain TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS comment (id INTEGER PRIMARY KEY, place TEXT NOT NULL, tenant TEXT NOT NULL, time TEXT NOT NULL,
    who TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS view (person INTEGER NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL,
    PRIMARY KEY (person, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (person INTEGER NOT NULL, place TEXT NOT NULL, time REAL NOT NULL,
    PRIMARY KEY (person, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checked (place TEXT NOT NULL, item TEXT NOT NULL, who TEXT NOT NULL, time TEXT NOT NULL,
    PRIMARY KEY (place, item)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS comment_place ON comment (place, id);
CREATE TRIGGER IF NOT EXISTS audit_kept BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'only ever added to'); END;
CREATE TRIGGER IF NOT EXISTS audit_whole BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'only ever added to'); END;
"""


class State:
    """The file; safe to use from several threads. Raises UsageError where it cannot be used."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.RLock()
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.touch(mode=0o600)
            self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10)
            self._database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _TABLES)
            self._check()
        except (sqlite3.Error, OSError) as error:
            raise UsageError(f"{file}: cannot be used: {error}") from error

    def _check(self) -> None:
        known = self.rows("SELECT value FROM about WHERE key = 'version'")
        if not known:
            self.run("INSERT INTO about VALUES ('version', ?)", [str(_VERSION)])
        elif int(known[0][0]) > _VERSION:
            raise UsageError(f"{self.file}: was written by a newer version of Kazami; use that version")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._lock:
            return self._database.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Execute a statement: how many rows it changed."""
        with self._lock:
            return self._database.execute(sql, parameters).rowcount

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing, and nobody else meanwhile."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
