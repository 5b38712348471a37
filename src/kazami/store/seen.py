"""What a case holds: the log sources of its events, and the fields these had."""

from __future__ import annotations

import json

from kazami.model.event import ENVELOPE_NAMES, LogSource, field_of
from kazami.store.case import Case


def seen(case: Case) -> dict[tuple[LogSource, ...], frozenset[str]]:
    """For each kind of event its log sources, with all fields that any of these events had."""
    found: dict[str, set[str]] = {}
    for row in case.database.rows("SELECT sources, columns FROM segment"):
        found.setdefault(row["sources"], set()).update(row["columns"])
    return {
        tuple(LogSource(*source) for source in json.loads(sources)): frozenset(
            map(field_of, columns - ENVELOPE_NAMES)
        )
        for sources, columns in found.items()
    }
