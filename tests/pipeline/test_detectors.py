"""Registered detectors in a scan."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pytest

from kazami.detect.network.rat import detector
from kazami.model.event import ENVELOPE, REJECT, LogSource, Route
from kazami.model.finding import FINDING
from kazami.pipeline import detectors
from kazami.plugins import Extension


def batch(table: str) -> pa.RecordBatch:
    row = {field.name: None for field in ENVELOPE} | {
        "event_uid": "0" * 32,
        "tenant": "t",
        "evidence": "e",
        "record": 1,
    }
    made = pa.RecordBatch.from_pylist([row], ENVELOPE)
    return made.replace_schema_metadata(Route(table, (LogSource(),)).to_metadata())


def test_the_built_in_ones_are_there() -> None:
    assert "rat" in [found.name for found in detectors.detectors()]
    assert {info.id for info in detector.RULES.values()} <= {info.id for info in detectors.rules()}


def test_one_that_raises_is_named_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(batches: object) -> object:
        raise ValueError("broken")

    good = SimpleNamespace(tables=("flow",), detect=lambda batches: [FINDING.empty_table() for _ in batches])
    bad = SimpleNamespace(tables=("flow",), detect=fail)
    both = [Extension("g", "bad", "x", bad), Extension("g", "good", "y", good)]
    monkeypatch.setattr(detectors, "detectors", lambda: both)
    tables, (fault,) = detectors.detect(batch("flow"))
    assert len(tables) == 1
    assert fault.schema == REJECT
    assert fault.to_pylist()[0]["reason"] == "the detector bad failed: ValueError: broken"
    assert detectors.detect(batch("security")) == ([], [])
