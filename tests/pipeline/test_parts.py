"""Files become parts: whole, or in stretches of one; what was done is not done again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

import made
from kazami.pipeline import parts
from kazami.pipeline.task import Part
from kazami.sources.walk import File
from kazami.store.case import Part as Key
from made import Bench, events


def test_an_evtx_file_in_stretches_is_the_same_as_whole(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = made.evtx(events(*range(900)))
    path = bench.put("Sysmon.evtx", content)
    bench.scan()
    whole = bench.figures()
    assert (whole.events, whole.found) == (900, 300)
    monkeypatch.setattr(parts, "STRETCH", 2 * 65536)
    found = list(parts.parts([File(str(path), len(content), "t")]))
    assert len(found) >= 3
    assert [part.start for part in found[1:]] == [part.stop for part in found[:-1]]
    assert sum(part.bytes for part in found) in (len(content), len(content) - 4096)
    for workers in (1, 3):
        case = bench.folder / f"case-{workers}"
        result = bench.scan(case=case, workers=workers)
        assert result.parts == len(found)
        assert made.figures(case) == whole
        assert bench.scan(case=case).skipped == len(found)


def test_a_broken_stretch_leaves_the_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(made.evtx(events(*range(900))))
    content[4096 + 65536 : 4096 + 65536 + 600] = b"\xff" * 600
    bench.put("Sysmon.evtx", bytes(content))
    bench.scan()
    whole = bench.figures()
    assert 0 < whole.events < 900
    assert whole.rejects > 0
    monkeypatch.setattr(parts, "STRETCH", 65536)
    bench.scan(case=bench.folder / "parts")
    split = made.figures(bench.folder / "parts")
    assert (split.events, split.findings) == (whole.events, whole.findings)
    assert split.rejects > 0
    assert [state for _, state, _, _ in split.evidence] == ["done"]


@pytest.mark.parametrize("content", [b"x" * 100, b"", b"\x1f\x8b\x08" + b"\0" * 99])
def test_what_cannot_be_split_is_one_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(parts, "STRETCH", 10)
    (tmp_path / "a").write_bytes(content)
    file = File(str(tmp_path / "a"), len(content), "t")
    found = list(parts.parts([file]))
    assert [(part.start, part.stop, part.path) for part in found] == [(0, None, file.path)]


def test_a_large_file_that_is_gone_is_left_to_the_worker(tmp_path: Path) -> None:
    file = File(str(tmp_path / "gone"), parts.STRETCH + 1, "t")
    assert [part.stop for part in parts.parts([file])] == [None]


def test_a_file_is_known_by_path_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("x")
    file = File(str(path), 1, "t")
    first = parts.uid(file)
    assert len(first) == 16
    assert parts.uid(file) == first
    assert parts.uid(file._replace(tenant="other")) == first
    assert parts.uid(file._replace(size=2)) != first
    os.utime(path, ns=(1, 1))
    second = parts.uid(file)
    assert second != first
    (tmp_path / "folder").mkdir()
    roundabout = tmp_path / "folder" / ".." / "a"
    assert parts.uid(File(str(roundabout), 1, "t")) == second
    gone = File(str(tmp_path / "gone"), 1, "t")
    assert parts.uid(gone) == parts.uid(gone)


def test_a_name_of_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.log")
    assert len(parts.uid(File(name, 1, "t"))) == 16


def test_what_is_left() -> None:
    todo = [Part(f"{n}", f"/{n}", 1, "t") for n in range(3)] + [Part("2", "/2", 9, "t", 4, 9)]
    keys = [Key(part.uid, part.start, part.stop, part.tenant) for part in todo]
    left = list(parts.left(todo, done={keys[0], replace(keys[1], tenant="u")}, stored={keys[0], keys[2]}))
    assert [(part.uid, part.start, part.store) for part in left] == [
        ("1", 0, True),
        ("2", 0, False),
        ("2", 4, True),
    ]
