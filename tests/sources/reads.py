"""What a source makes of some bytes, as plain rows, for tests."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from kazami.model.event import ENVELOPE, REJECT, REJECTS, Route
from kazami.model.evidence import Evidence


@dataclass
class Reading:
    """`events` are rows by log source in the order read, with table and route under ``#table`` and ``#route``."""

    events: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def of(self, table: str) -> list[dict[str, Any]]:
        """Events of one table, in the order of their records."""
        return sorted((e for e in self.events if e["#table"] == table), key=lambda e: e["record"])

    @property
    def own(self) -> list[dict[str, Any]]:
        """Events that are records of their own, in the order of the file."""
        return sorted((e for e in self.events if not e["#route"].projected), key=lambda e: e["record"])

    @property
    def reasons(self) -> list[str]:
        return [f"{r['place']}: {r['reason']}" for r in self.rejects]


def evidence(data: bytes, name: str = "evidence.log", modified: int | None = None) -> Evidence:
    """`data` as a piece of evidence of tenant ``acme``."""
    uid = hashlib.sha256(data).hexdigest()[:16]
    return Evidence(name, uid, "acme", len(data), lambda: io.BytesIO(data), modified=modified)


def read(source: Any, data: bytes | str, name: str = "evidence.log", modified: int | None = None) -> Reading:
    """Everything that `source` gives; each batch is held to the schema of its kind."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogateescape")
    found = Reading()
    for batch in source.read(evidence(data, name, modified)):
        batch.validate(full=True)
        route = Route.of(batch)
        if route == REJECTS:
            assert batch.schema == REJECT
            found.rejects += batch.to_pylist()
            continue
        for envelope in ENVELOPE:
            assert batch.schema.field(envelope.name).equals(envelope)
        found.events += [_row(row, route) for row in batch.to_pylist()]
    return found


def _row(row: dict[str, Any], route: Route) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if value is not None}
    return {**kept, "#table": route.table, "#route": route}


def fields(row: dict[str, Any]) -> dict[str, Any]:
    """The fields of one row, without envelope and route."""
    names = set(pa.schema(ENVELOPE).names)
    return {name: value for name, value in row.items() if name not in names and name[0] != "#"}
