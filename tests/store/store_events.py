"""Small batches of events for the tests of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from kazami.model.event import ENVELOPE, REJECT, LogSource, Route
from kazami.model.finding import FINDING
from kazami.store.schema import MATCH

PROCESS = Route("process_creation", (LogSource("windows", "process_creation", "sysmon"),))
SECURITY = Route("security", (LogSource("windows", None, "security"),))
PROJECTED = Route("process_creation", (LogSource("windows", "process_creation", None),), projected=True)

DAY = 86_400_000_000  # microseconds
START = 18_500 * DAY  # 2020-08-26


def uid(text: str) -> str:
    """An event_uid."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def batch(
    rows: Sequence[Mapping[str, Any]],
    route: Route = PROCESS,
    *,
    tenant: str = "default",
    evidence: str = "e" * 16,
) -> pa.RecordBatch:
    """Rows as dictionaries: columns of the envelope where named, the rest fields; lists are multi-valued.

    A key that is absent is a missing field, a None an explicit null.
    """
    filled = [_envelope(row, number, tenant, evidence) for number, row in enumerate(rows, 1)]
    arrays = [pa.array([row[name] for row in filled], ENVELOPE.field(name).type) for name in ENVELOPE.names]
    names = [name for name in dict.fromkeys(k for row in rows for k in row) if name not in ENVELOPE.names]
    arrays += [_field([row.get(name, ...) for row in rows]) for name in names]
    fields = [*ENVELOPE, *(pa.field(n, a.type) for n, a in zip(names, arrays[len(ENVELOPE) :], strict=True))]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata=route.to_metadata()))


def _envelope(row: Mapping[str, Any], number: int, tenant: str, evidence: str) -> dict[str, Any]:
    given = {
        "time": START + number,
        "tenant": tenant,
        "evidence": evidence,
        "record": number,
        "raw": f'{{"n":{number}}}',
        **row,
    }
    given.setdefault("event_uid", uid(f"{tenant} {number}"))
    return {name: given.get(name) for name in ENVELOPE.names}


def _field(values: list[Any]) -> pa.Array:
    if any(isinstance(value, list) for value in values):
        return pa.array([None if value is ... else value for value in values], pa.list_(pa.string()))
    distinct = list(dict.fromkeys(value for value in values if value is not ...))
    indices = pa.array([None if value is ... else distinct.index(value) for value in values], pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array(distinct, pa.string()))


def findings(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Findings from what is said of them; the rest is made up, but always the same."""
    made = []
    for number, row in enumerate(rows):
        event = row.get("event", str(number))
        made.append(
            {
                "finding_uid": uid(f"{row.get('rule_id', 'r1')} {row.get('rule_version', 'v1')} {event}"),
                "rule_id": "r1",
                "rule_version": "v1",
                "time": START + number,
                "tenant": "default",
                "host": "ws1",
                "user": "alice",
                "table": "process_creation",
                "event_uids": [uid(event)],
                "evidence": "e" * 16,
                "record": number,
                "matched": [("Image", "C:\\x.exe")],
                **{k: v for k, v in row.items() if k != "event"},
            }
        )
    return pa.Table.from_pylist(made, FINDING)


def matches(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Matches for correlations, from what is said of them."""
    made = [
        {
            "rule_id": "r1",
            "rule_version": "v1",
            "event_uid": uid(row.get("event", "0")),
            "time": START,
            "tenant": "default",
            "table": "process_creation",
            "evidence": "e" * 16,
            "record": 1,
            "fields": [("Image", "C:\\x.exe")],
            **{k: v for k, v in row.items() if k != "event"},
        }
        for row in rows
    ]
    return pa.Table.from_pylist(made, MATCH)


def rejects(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rejects, from what is said of them."""
    words = {"evidence": "e" * 16, "name": "a.evtx", "place": "record 1", "reason": "cut off", "count": 1}
    return pa.Table.from_pylist([{**words, **row} for row in rows], REJECT)
