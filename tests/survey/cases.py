"""Cases made of rows, for what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.store.store_events import batch, uid

from kazami.model.event import LogSource, Route
from kazami.store.case import Case

Rows = Sequence[Mapping[str, Any]]


def made(folder: Path, logs: Mapping[str, Rows]) -> Case:
    """A case, open for reading, whose views `logs` hold these rows; ``time`` is ISO 8601 in UTC, or left out."""
    case = Case.open(folder, create=True)
    run = case.begin(version="1")
    for log, rows in logs.items():
        tenants: dict[str, list[dict[str, Any]]] = {}
        for number, row in enumerate(rows):
            filled = {"event_uid": uid(f"{log} {number}"), **row}
            if isinstance(filled.get("time"), str | datetime):
                filled["time"] = _microseconds(filled["time"])
            tenants.setdefault(filled.pop("tenant", "default"), []).append(filled)
        route = Route(log, (LogSource(None, log, None),))
        for tenant, part in tenants.items():
            run.commit(segments=case.write([batch(part, route, tenant=tenant)]))
    run.finish()
    case.close()
    return Case.open(folder, read_only=True)


def _microseconds(time: str | datetime) -> int:
    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    return int(moment.replace(tzinfo=UTC).timestamp() * 1_000_000)
