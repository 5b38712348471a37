"""What a case holds: the log sources of its events, and the fields these had."""

from __future__ import annotations

import json

from kazami.model.event import ENVELOPE_NAMES, SPELLINGS, LogSource, field_of
from kazami.store.case import Case


def seen(case: Case) -> dict[tuple[LogSource, ...], frozenset[str]]:
    """For each kind of event its log sources, with all fields that any of these events had."""
    found: dict[str, set[str]] = {}
    for row in case.database.rows("SELECT sources, columns FROM segment"):
        found.setdefault(row["sources"], set()).update(row["columns"])
    return {
        tuple(LogSource(*source) for source in json.loads(sources)): _fields(columns)
        for sources, columns in found.items()
    }


def _fields(columns: set[str]) -> frozenset[str]:
    named = {field_of(column) for column in columns - ENVELOPE_NAMES}
    return frozenset(named | {name for name, column in SPELLINGS.items() if column in named})
