"""Rows of EvtxECmd (Eric Zimmerman), in JSON or CSV: the record's own data is a JSON text in one field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from kazami.sources.windows_event import Cells, Fields, flatten

_NEEDED = frozenset(("EventId", "Channel", "Payload", "EventRecordId"))


def recognizes(keys: Iterable[str]) -> bool:
    """Whether rows with these columns are EvtxECmd's."""
    return frozenset(keys) >= _NEEDED


def event(row: Mapping[str, Any]) -> tuple[Cells, Fields]:
    """The cells of `windows.SYSTEM` and the data fields of one row; a payload that cannot be read stays as it is."""
    payload = row["Payload"]
    try:
        sections = orjson.loads(payload) if payload else {}
    except (orjson.JSONDecodeError, TypeError):
        sections = {}
    if not isinstance(sections, dict) or not sections.keys() & {"EventData", "UserData"}:
        sections = {"EventData": {"Payload": payload}} if payload else {}
    system = {
        "Provider": {"Name": row.get("Provider")},
        "EventID": row["EventId"],
        "Level": row.get("Level"),
        "Keywords": row.get("Keywords"),
        "TimeCreated": {"SystemTime": row.get("TimeCreated")},
        "EventRecordID": row["EventRecordId"],
        "Execution": {"ProcessID": row.get("ProcessId"), "ThreadID": row.get("ThreadId")},
        "Channel": row["Channel"],
        "Computer": row.get("Computer"),
        "Security": {"UserID": row.get("UserId")},
    }
    return flatten({"Event": {"System": system, **sections}})
