"""What every sink promises, held against all that are registered: ours and anybody's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kazami.model.block import KINDS, Block
from kazami.model.incident import Text
from kazami.plugins import SINKS, Sink, discover

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
FOUND = discover(SINKS)
VALUES = {
    "address": "203.0.113.9",
    "domain": "evil.example",
    "url": "http://evil.example/a",
    "ja3": "ab" * 16,
    "certificate": "cd" * 20,
}
BLOCKS = [Block(kind, "north", kind, VALUES[kind], "high", 60, ("f",), Text("why", "理由")) for kind in KINDS]


def test_ours_are_there() -> None:
    assert {one.name for one in FOUND} >= {"nft", "nftables", "proxy", "sinkhole", "stix", "suricata"}


@pytest.mark.parametrize("found", FOUND, ids=lambda one: one.name)
def test_a_sink(found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    sink = found.object
    assert isinstance(sink, Sink), found.error
    monkeypatch.chdir(tmp_path)
    taken = [one for one in BLOCKS if sink.takes(one)]
    assert taken
    texts = sink.plan("north", taken, NOW)
    assert list(tmp_path.iterdir()) == []
    assert texts == sink.plan("north", taken, NOW)
    for block in taken:
        assert block.value in "".join(texts.values()) or block.kind not in ("domain", "ja3")
    assert all(Path(name).name == name for name in texts)
    assert VALUES["address"] not in "".join(sink.plan("north", [], NOW).values())
    if getattr(sink, "FOLDER", True):
        assert sink.apply("north", taken, tmp_path, NOW)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(texts)
        assert sink.undo("north", [], tmp_path, NOW)
        assert list(tmp_path.iterdir()) == []
