"""Verdicts that were reached before, by content and by the version of all rules, in the user's cache folder.

SQLite, because workers read while one process writes. A cache is never worth a failure: what cannot be opened is not there, and
what cannot be read is not known.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

_SCHEMA = """
create table if not exists verdict (key text primary key, at integer not null, body blob not null) without rowid
"""
_KEPT = 200_000


class Verdicts:
    """A map from key to bytes, on disk. `write` is for one process; readers see what it has committed."""

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        self._write = write
        self._new = 0
        self._connection: sqlite3.Connection | None = None
        path = folder / "verdicts.sqlite"
        with contextlib.suppress(sqlite3.Error, OSError):
            if write:
                folder.mkdir(parents=True, exist_ok=True)
            how = "rwc" if write else "ro"
            opened = sqlite3.connect(f"{path.absolute().as_uri()}?mode={how}", uri=True, timeout=2.0)
            if write:
                path.chmod(0o600)  # names and findings of files are nobody else's business
                opened.execute("pragma journal_mode=wal")
                opened.execute(_SCHEMA)
            self._connection = opened

    def get(self, key: str) -> bytes | None:
        """What was put under `key`."""
        if self._connection is None:
            return None
        try:
            row = self._connection.execute("select body from verdict where key = ?", (key,)).fetchone()
        except sqlite3.Error:
            return None
        return bytes(row[0]) if row else None

    def put(self, key: str, body: bytes) -> None:
        """Keep `body`."""
        if self._connection is None or not self._write:
            return
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute(
                "insert or replace into verdict values (?, ?, ?)", (key, int(time.time()), body)
            )
            self._new += 1
            if self._new % 200 == 0:
                self._connection.commit()

    def close(self) -> None:
        """Commit, and forget the oldest where there are too many."""
        if self._connection is None:
            return
        with contextlib.suppress(sqlite3.Error):
            if self._write:
                self._connection.execute(
                    "delete from verdict where key in (select key from verdict order by at desc limit -1 offset ?)",
                    (_KEPT,),
                )
                self._connection.commit()
            self._connection.close()
        self._connection = None
