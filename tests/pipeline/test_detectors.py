"""Registered detectors in a scan."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest

import capture_writer
import rat_messages
from kazami.detect.network.rat import detector
from kazami.model.event import ENVELOPE, REJECT, LogSource, Route
from kazami.model.finding import FINDING
from kazami.pipeline import detectors
from kazami.plugins import Extension
from made import Bench


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


def test_a_capture_with_a_check_in_gives_a_finding_in_the_case(bench: Bench) -> None:
    talk = capture_writer.talk(rat_messages.redleaves(), rat_messages.redleaves(b"\x01\x02\x03\x04"), 995)
    harmless = capture_writer.talk(capture_writer.hello(), capture_writer.server_hello(), source="10.0.0.9")
    bench.put("a.pcap", capture_writer.pcap(capture_writer.ethernet(packet) for packet in talk + harmless))
    result = bench.scan()
    assert result.found == 1
    (row,) = bench.ask('select title, level, host, "table", matched from finding')
    assert (row["title"], row["level"], row["host"], row["table"]) == (
        "RedLeaves on the Network",
        "critical",
        "10.0.0.1",
        "flow",
    )
    assert dict(row["matched"])["key"] == "Lucky123"
    assert len(bench.ask('select "id.orig_h" from flow')) == 2
    assert bench.ask("select server_name from tls") == [{"server_name": "x.example"}]


def test_a_newer_detector_looks_again_at_what_was_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = capture_writer.talk(rat_messages.redleaves(), rat_messages.redleaves(b"\x01\x02\x03\x04"), 995)
    bench.put("a.pcap", capture_writer.pcap(capture_writer.ethernet(packet) for packet in talk))
    bench.scan()
    assert bench.scan().skipped == 1
    newer = {key: replace(info, version="f" * 16) for key, info in detector.RULES.items()}
    monkeypatch.setattr(detector, "RULES", newer)
    result = bench.scan()
    assert (result.skipped, result.found) == (0, 1)
    assert [row["n"] for row in bench.ask("select count(*) as n from finding")] == [1]
    assert bench.scan().skipped == 1
