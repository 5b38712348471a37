"""The file that readers browse, opened for one person: the wall between tenants stands here.

Every question goes through `Reader.rows`, and every question about something that a tenant has names the column of
the tenant in `Reader.wall`. A person of the provider sees all tenants, a reader of a tenant this one; what another has
is not there for them, as if it did not exist.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from kazami.correlate.entity import account, host
from kazami.errors import CaseError, UsageError
from kazami.store.browse import schema

#: Seconds that one question may take.
PATIENCE = 5.0

#: Steps of SQLite's machine between two looks at the clock.
_STEPS = 20_000

#: What a name of a kind is without its domain, in small letters.
PLAIN: dict[str, Callable[[str], str]] = {"host": host, "user": account}


class Reader:
    """A connection that can only read, behind the wall of `tenants` (None: all). A context manager.

    Not to be shared by threads. Raises CaseError where the file is not there, or is not of this version.
    """

    def __init__(self, file: Path, tenants: Collection[str] | None = None) -> None:
        try:
            self.database = sqlite3.connect(
                f"{file.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
            self.database.execute("PRAGMA query_only = ON")
            self.database.execute("PRAGMA cache_size = -4096")
            self.meta: dict[str, str] = dict(self.database.execute("SELECT key, value FROM meta").fetchall())
        except sqlite3.Error as error:
            raise CaseError(f"{file}: cannot be read: {error}") from error
        if self.meta.get("version") != str(schema.VERSION):
            raise CaseError(f"{file}: is of another version")
        self.tenants = None if tenants is None else frozenset(tenants)
        self._numbers = self._walled()
        self._end = 0.0
        self.database.set_progress_handler(self._late, _STEPS)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def wall(self, column: str) -> str:
        """A condition that holds for rows whose `column` (the number of a tenant) is behind the wall."""
        return "1" if self._numbers is None else f"{column} IN ({', '.join(map(str, self._numbers))})"

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises UsageError where it takes longer than `PATIENCE` seconds."""
        self._end = time.monotonic() + PATIENCE
        try:
            return self.database.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise UsageError(f"this takes longer than {PATIENCE:.0f} s; ask for less") from error
            raise CaseError(str(error)) from error
        except sqlite3.Error as error:
            raise CaseError(str(error)) from error

    def number(self, kind: str, value: str) -> int | None:
        """The number of a name (`schema.NAMES`), or None."""
        found = self.rows("SELECT id FROM name WHERE kind = ? AND value = ?", [kind, value])
        return found[0][0] if found else None

    def spelled(self, kind: str, value: str) -> list[int]:
        """The numbers of all spellings of a host or account: with and without domain, in whatever letters."""
        rows = self.rows("SELECT id FROM name WHERE kind = ? AND plain = ?", [kind, PLAIN[kind](value)])
        return [row[0] for row in rows]

    def plain(self, value: str) -> list[str]:
        """`value` as entities are kept: in small letters, and without the domain where a host or account is so called."""
        known = self.rows(
            "SELECT DISTINCT plain FROM name WHERE plain IN (?, ?) AND plain <> '' AND lower(value) = lower(?)",
            [host(value), account(value), value],
        )
        return list(dict.fromkeys([value.lower(), *(row[0] for row in known)]))

    def tenant_names(self) -> list[str]:
        """The tenants behind the wall, by name."""
        rows = self.rows(f"SELECT value FROM name WHERE kind = 'tenant' AND {self.wall('id')} ORDER BY value")
        return [row[0] for row in rows]

    def _walled(self) -> tuple[int, ...] | None:
        if self.tenants is None:
            return None
        marks = ", ".join("?" * len(self.tenants))
        rows = self.database.execute(
            f"SELECT id FROM name WHERE kind = 'tenant' AND value IN ({marks})",
            sorted(self.tenants),
        )
        return tuple(row[0] for row in rows)

    def _late(self) -> bool:
        return time.monotonic() > self._end
