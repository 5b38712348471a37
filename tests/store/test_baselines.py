"""The items of a baseline: what is written is what is read, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from kazami.errors import CaseError
from kazami.model.change import Item
from kazami.store import baselines


def test_what_is_written_is_read(tmp_path: Path) -> None:
    items = [
        Item("file", f"a\n{n}\u202e", {"sha256": "x" * 64}, "h", datetime(2026, 5, 1, tzinfo=UTC))
        for n in range(30_000)
    ]
    digest = baselines.write(tmp_path / "a.items", items)
    assert list(baselines.read(tmp_path / "a.items", digest)) == items
    assert [path.name for path in tmp_path.iterdir()] == ["a.items"]
    with pytest.raises(CaseError, match="was changed"):
        list(baselines.read(tmp_path / "a.items", "0" * 64))
    with pytest.raises(CaseError, match="cannot be read"):
        list(baselines.read(tmp_path / "b.items", digest))
    with pytest.raises(CaseError, match="cannot be written"):
        baselines.write(tmp_path / "no" / "a.items", items[:1])


def test_more_than_it_may_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.items").write_bytes(zstandard.compress(b"\n" * 50_000))
    digest = baselines._hash(tmp_path / "a.items")
    with pytest.raises(CaseError, match="cannot be read"):
        list(baselines.read(tmp_path / "a.items", digest))
    monkeypatch.setattr(baselines, "LARGEST", 10)
    with pytest.raises(CaseError, match="more than 10 bytes"):
        list(baselines.read(tmp_path / "a.items", digest))
