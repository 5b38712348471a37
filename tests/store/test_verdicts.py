"""A cache that is never worth a failure."""

from __future__ import annotations

from pathlib import Path

from kazami.store.verdicts import Verdicts


def test_what_is_put_is_found_by_others(tmp_path: Path) -> None:
    writer = Verdicts(tmp_path, write=True)
    assert writer.get("a") is None
    writer.put("a", b"one")
    writer.put("a", b"two")
    writer.close()
    reader = Verdicts(tmp_path)
    assert reader.get("a") == b"two"
    reader.put("b", b"not by a reader")
    reader.close()
    assert Verdicts(tmp_path).get("b") is None
    assert reader.get("a") is None


def test_a_broken_cache_is_no_cache(tmp_path: Path) -> None:
    assert Verdicts(tmp_path / "nowhere").get("a") is None
    (tmp_path / "verdicts.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
    broken = Verdicts(tmp_path, write=True)
    broken.put("a", b"x")
    assert broken.get("a") is None
    broken.close()
