"""Parquet as evidence: rows are records, whatever their types; what is broken is counted."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest

from kazami.model.event import REJECTS, Route
from kazami.model.evidence import Evidence
from kazami.sources import parquet as source
from parquet_writer import parquet


def read(data: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    item = Evidence("a.parquet", "0" * 16, "acme", len(data), lambda: io.BytesIO(data))
    events: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    for batch in source.read(item):
        (rejects if Route.of(batch) == REJECTS else events).extend(batch.to_pylist())
    return events, rejects


def test_rows_are_records_with_time_and_host() -> None:
    rows = [{"ts": 1772366400, "host": "h1", "name": f"alert {n}"} for n in range(3000)]
    events, rejects = read(parquet(rows, row_group_size=700))
    assert rejects == []
    assert [row["record"] for row in events] == list(range(1, 3001))
    assert {row["host"] for row in events} == {"h1"}
    assert events[0]["time"] == dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    assert events[-1]["name"] == "alert 2999"


def test_values_of_every_type_are_text_as_json_has_them() -> None:
    when = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    row = {
        "time": when,
        "b": b"a\xff",
        "d": Decimal("1.50"),
        "o": {"x": 1, "y": [1, 2]},
        "t": True,
        "n": None,
        "f": 0.5,
    }
    (event,), rejects = read(parquet([row]))
    assert rejects == []
    assert event["time"] == when
    assert (event["b"], event["d"], event["o.x"], event["t"], event["f"]) == (
        "a\\xff",
        "1.50",
        "1",
        "true",
        "0.5",
    )
    assert "n" not in event


@pytest.mark.parametrize("cut", [4, 60, -9, -1])
def test_a_cut_file_is_a_reject_that_says_so(cut: int) -> None:
    events, rejects = read(parquet([{"time": "2026-03-01T12:00:00Z", "a": "b"}])[:cut])
    assert events == []
    assert rejects[0]["count"] == 1
    assert "Parquet" in rejects[0]["reason"]


def test_a_damaged_group_is_counted_and_the_others_are_read() -> None:
    data = bytearray(
        parquet(
            [{"a": f"value {n}"} for n in range(200)],
            row_group_size=100,
            use_dictionary=False,
            compression="gzip",
        )
    )
    data[40:80] = bytes(40)
    events, rejects = read(bytes(data))
    assert len(events) + sum(row["count"] for row in rejects) == 200
    assert len(events) >= 100


def test_what_is_too_wide_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_COLUMNS", 2)
    events, rejects = read(parquet([{"a": 1, "b": 2, "c": 3}]))
    assert events == []
    assert "3 columns" in rejects[0]["reason"]
