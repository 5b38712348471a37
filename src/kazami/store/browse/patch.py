"""Small changes to the file that readers browse, so that it need not be made anew for each decision of a person."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from kazami.errors import CaseError
from kazami.model.incident import Incident


def decided(file: Path, incidents: Sequence[Incident], *, signature: str) -> None:
    """State, verdict and owner of incidents, as they stand in the case since it looks like `signature`."""
    try:
        with closing(sqlite3.connect(file, isolation_level=None, timeout=5)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(
                "UPDATE incident SET state = ?, verdict = ?, owner = ? WHERE uid = ?",
                [(one.state, one.verdict, one.owner, one.incident_uid) for one in incidents],
            )
            database.execute("UPDATE meta SET value = ? WHERE key = 'signature'", [signature])
            database.execute("COMMIT")
    except sqlite3.Error as error:
        raise CaseError(f"{file}: cannot be changed: {error}") from error
