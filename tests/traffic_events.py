"""Events for the detectors of traffic, out of few words: one entry is one event, or a series of them.

{table: flow, at: ..., source: 10.0.0.5, target: 203.0.113.9, port: 443}
times: 200, every: 60, jitter: 0.2      that often, that many seconds apart
chance: true                            exponential intervals with that mean instead
between: [8, 17]                        only at these hours
"{n}" in a text                         the number of the event in its series, from 0
"{hex}"                                 24 random hex digits
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from kazami.detect.network.traffic.table import QUESTIONS

_SERIES = frozenset(("times", "every", "jitter", "chance", "between", "seed"))


def batches(events: list[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    """Answers to the questions of the detectors, as the store would give them."""
    made = [event for entry in events for event in series(entry)]
    for question in QUESTIONS:
        schema = question.schema()
        rows = [
            {name: _value(schema.field(name).type, event.get(name)) for name in schema.names}
            | {"event_uid": f"{number:032x}", "time": event["at"], "evidence": "e", "record": number}
            | {"tenant": event.get("tenant", "north"), "host": event.get("host", event.get("source"))}
            for number, event in enumerate(made)
            if event["table"] == question.table
        ]
        if rows:
            yield pa.RecordBatch.from_pylist(rows, schema)


def _value(kind: pa.DataType, value: Any) -> Any:
    if value is None or kind not in (pa.string(), pa.float64()):
        return value
    return str(value) if kind == pa.string() else float(value)


def series(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of one entry."""
    chance = random.Random(entry.get("seed", 1))
    now = datetime.fromisoformat(str(entry["at"])).replace(tzinfo=UTC)
    every, jitter = float(entry.get("every", 60)), float(entry.get("jitter", 0))
    opens, closes = entry.get("between", (0, 24))
    made = 0
    while made < int(entry.get("times", 1)):
        if opens <= now.hour < closes:
            yield {"at": now} | {
                name: _filled(value, made, chance)
                for name, value in entry.items()
                if name not in _SERIES | {"at"}
            }
            made += 1
        wait = (
            chance.expovariate(1 / every)
            if entry.get("chance")
            else every * (1 + chance.uniform(-jitter, jitter))
        )
        now += timedelta(seconds=wait)


def _filled(value: Any, number: int, chance: random.Random) -> Any:
    if not isinstance(value, str) or "{" not in value:
        return value
    digits = f"{chance.getrandbits(96):024x}"
    return value.replace("{n}", str(number)).replace("{hex}", digits)
