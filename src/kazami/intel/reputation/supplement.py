"""Additions of the day: a small database beside the books, until the next generation takes them in."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from kazami.errors import CaseError


class Supplement:
    """Keys with labels, by kind of hash. Raises CaseError where the file cannot be used."""

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        self.file, self._read_only, self._process = file, read_only, os.getpid()
        try:
            if read_only:
                self._database = self._opened()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                self._database = sqlite3.connect(
                    file, isolation_level=None, timeout=10, check_same_thread=False
                )
                self._database.execute(
                    "CREATE TABLE IF NOT EXISTS hash (kind TEXT, key BLOB, label INTEGER, PRIMARY KEY (kind, key, label)) "
                    "WITHOUT ROWID"
                )
            self.count = int(self._database.execute("SELECT count(*) FROM hash").fetchone()[0])
        except sqlite3.Error as error:
            raise CaseError(f"{file}: cannot be used: {error}") from error

    def _opened(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.file.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def add(self, kind: str, keys: Iterable[bytes], label: int) -> None:
        """Add keys with a label."""
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT OR IGNORE INTO hash VALUES (?, ?, ?)", ((kind, key, label) for key in keys)
        )
        self._database.execute("COMMIT")
        self.count = int(self._database.execute("SELECT count(*) FROM hash").fetchone()[0])

    def labels(self, kind: str, key: bytes) -> list[int]:
        """The numbers of the labels of a key."""
        if not self.count:
            return []
        if self._read_only and self._process != os.getpid():  # a database must not be carried through a fork
            self._database, self._process = self._opened(), os.getpid()
        rows = self._database.execute("SELECT label FROM hash WHERE kind = ? AND key = ?", [kind, key])
        return [row[0] for row in rows]

    def all(self, kind: str) -> Iterator[tuple[bytes, int]]:
        """All keys of a kind with their labels."""
        yield from self._database.execute("SELECT key, label FROM hash WHERE kind = ?", [kind])

    def clear(self) -> None:
        """Forget all: the books have it now."""
        self._database.execute("DELETE FROM hash")
        self.count = 0
