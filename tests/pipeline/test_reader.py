"""A worker reads what it is given, survives what can be survived, and says what it could not read."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import made
from kazami.engine import local
from kazami.errors import CaseError
from kazami.model.evidence import Evidence
from kazami.pipeline import parts, reader
from kazami.sources import evtx, jsonl
from kazami.sources.columns import Columns
from kazami.store import segment
from made import Bench, events, zipped


def deadly(monkeypatch: pytest.MonkeyPatch, harm: Callable[[], None], after: int = 0) -> None:
    """Files named ``deadly`` do `harm` when they are read, `after` so many events of them."""
    feed = jsonl.feed

    def fed(evidence: Evidence, columns: Columns) -> Iterator[int]:
        if "deadly" not in evidence.name:
            yield from feed(evidence, columns)
            return
        if after:
            for _ in feed(evidence, columns):
                yield 0
        harm()

    monkeypatch.setattr(jsonl, "feed", fed)


HARMS: dict[str, tuple[Callable[[], Any], str]] = {
    "kill": (lambda: os.kill(os.getpid(), signal.SIGKILL), "signal SIGKILL"),
    "exit": (lambda: os._exit(11), "exit code 11"),
}


@pytest.mark.parametrize("how", HARMS)
def test_a_file_that_kills_its_worker(bench: Bench, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    harm, words = HARMS[how]
    deadly(monkeypatch, harm)
    for number in range(6):
        bench.put(f"{number}.jsonl", events(*range(10 * number, 10 * number + 10)))
    bench.put("3deadly.jsonl", events(1000))
    zipped(bench.evidence / "4.zip", {"good.jsonl": made.lines(events(300))})
    result = bench.scan(workers=2)
    name, reason = str(bench.evidence / "3deadly.jsonl"), f"the worker ended with {words}"
    assert result.lost == [(name, reason)]
    seen = bench.figures()
    assert (seen.events, seen.found, seen.rejects, seen.duplicates) == (61, 21, 1, 0)
    assert (name, "unreadable", 0, 0) in seen.evidence
    rows = bench.ask("select name, place, reason, count from reject")
    said = f"reading it ended the worker twice: {reason}"
    assert rows == [{"name": name, "place": "", "reason": said, "count": 1}]


def test_what_a_file_gave_before_it_killed_is_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "FLUSH", 4)
    monkeypatch.setattr(reader, "WHOLE", 4)
    deadly(monkeypatch, HARMS["kill"][0], after=1)
    bench.put("deadly.jsonl", events(*range(4)))
    result = bench.scan()
    assert len(result.lost) == 1
    assert (bench.figures().events, bench.figures().found) == (4, 2)


def test_a_file_that_killed_is_tried_again_by_the_next_scan(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been the memory of that day."""
    bench.put("deadly.jsonl", events(*range(4)))
    bench.put("good.jsonl", events(10))
    with monkeypatch.context() as patch:
        deadly(patch, HARMS["kill"][0])
        bench.scan()
        assert (bench.figures().events, bench.figures().rejects) == (1, 1)
    result = bench.scan()
    assert (result.skipped, result.events) == (1, 4)
    seen = bench.figures()
    assert (seen.events, seen.rejects, {state for _, state, _, _ in seen.evidence}) == (5, 0, {"done"})


def test_a_hang_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    deadly(monkeypatch, lambda: time.sleep(60))
    pool = local.Pool.__init__
    monkeypatch.setattr(
        local.Pool, "__init__", lambda self, *given, **more: pool(self, *given, **{"patience": 0.4, **more})
    )
    bench.put("deadly.jsonl", events(0))
    bench.put("good.jsonl", events(10))
    result = bench.scan()
    assert [reason for _, reason in result.lost] == ["no sign of life for 0 s"]
    assert bench.figures().events == 1


def test_a_source_with_a_bug_keeps_what_it_gave(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a \x1b[31mbug")

    deadly(monkeypatch, fail, after=1)
    bench.put("deadly.jsonl", events(*range(5)))
    bench.put("good.jsonl", events(10))
    result = bench.scan()
    assert result.lost == []
    assert bench.figures().events == 6
    rows = bench.ask("select reason, count from reject")
    assert rows == [{"reason": "the source jsonl failed: ZeroDivisionError: a \x1b[31mbug", "count": 1}]


def test_a_case_that_takes_no_more_ends_the_scan(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker's death, and no reject: what was read is not lost, it is read when there is room."""
    bench.put("a.jsonl", events(*range(5)))

    def full(*_: object) -> None:
        raise CaseError("/case/events/x.parquet: cannot be written: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(segment, "write", full)
        with pytest.raises(CaseError, match="No space left"):
            bench.scan()
    assert bench.figures().rejects == 0
    bench.scan()
    assert (bench.figures().events, bench.figures().found) == (5, 2)


# States


def states(bench: Bench) -> dict[str, tuple[str, str]]:
    rows = bench.ask("select name, state, note from evidence")
    return {row["name"].removeprefix(f"{bench.evidence}/"): (row["state"], row["note"]) for row in rows}


def test_what_became_of_each_piece(bench: Bench) -> None:
    good = made.lines(events(0))
    bench.put("good.jsonl", good)
    bench.put("empty.log", b"")
    bench.put("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    bench.put("broken.evtx", b"ElfFile\0" + b"\0" * 60)
    bench.put("some.jsonl", good + b"{oops\n")
    zipped(bench.evidence / "mixed.zip", {"a.jsonl": good, "b.png": b"\x89PNG\r\n\x1a\n" + b"x" * 99})
    (bench.evidence / "cut.zip").write_bytes((bench.evidence / "mixed.zip").read_bytes()[:150])
    (bench.evidence / "link").symlink_to("/etc/passwd")
    bench.scan()
    seen = states(bench)
    assert {name: state for name, (state, _) in seen.items()} == {
        "good.jsonl": "done",
        "empty.log": "skipped",
        "picture.png": "skipped",
        "broken.evtx": "unreadable",
        "some.jsonl": "done",
        "mixed.zip!a.jsonl": "done",
        "mixed.zip!b.png": "skipped",
        "cut.zip": "partial",
        "cut.zip!a.jsonl": "partial",
        "link": "skipped",
    }
    assert seen["empty.log"][1] == "empty"
    assert "image" in seen["picture.png"][1]
    assert "header" in seen["broken.evtx"][1]
    assert "link out of the folder" in seen["link"][1]


def test_not_found_and_then_found(bench: Bench) -> None:
    late = bench.evidence / "late" / "a.jsonl"
    bench.scan(late)
    assert states(bench) == {"late/a.jsonl": ("unreadable", "No such file or directory")}
    assert bench.figures().rejects == 1
    bench.put("late/a.jsonl", events(0))
    bench.scan(late)
    assert states(bench) == {"late/a.jsonl": ("done", "")}
    assert bench.figures().rejects == 0


def test_a_broken_file_is_replaced_by_a_good_one(bench: Bench) -> None:
    whole = made.evtx(events(0, 1))
    bench.put("a.evtx", whole[:100])
    bench.scan()
    assert {state for state, _ in states(bench).values()} == {"unreadable"}
    time.sleep(0.01)
    bench.put("a.evtx", whole)
    bench.scan()
    assert states(bench) == {"a.evtx": ("done", "")}
    assert (bench.figures().events, bench.figures().rejects) == (2, 0)


def test_what_is_broken_stays_so(bench: Bench) -> None:
    """A second scan of the same says the same, and does not forget."""
    bench.put("a.evtx", made.evtx(events(0))[:100])
    bench.put("b.zip", zipped(bench.folder / "b.zip", {"a.jsonl": made.lines(events(1))}).read_bytes()[:-30])
    bench.put("c.jsonl", events(2))
    bench.scan()
    before = bench.figures()
    assert before.rejects > 0
    bench.scan()
    assert bench.figures() == before


def test_the_last_word_on_many_faults_of_one_archive(bench: Bench) -> None:
    content = {f"{n}.jsonl": made.lines(events(n)) for n in range(20)}
    whole = zipped(bench.folder / "a.zip", content).read_bytes()
    damaged = bytearray(whole)
    for n in (3, 7):
        place = whole.index(f"{n}.jsonl".encode()) + 20
        damaged[place : place + 40] = b"\xff" * 40
    bench.put("a.zip", bytes(damaged))
    bench.scan()
    seen = states(bench)
    bad = {name for name, (state, _) in seen.items() if state != "done"}
    assert bad == {"a.zip!3.jsonl", "a.zip!7.jsonl"}
    assert bench.figures().events == 18


# Since and until, where a batch knows no time


def test_a_batch_without_any_time_is_kept_whole() -> None:
    orders = reader.Orders(Path(), (), {}, since=1, until=2)
    made_reader = reader.Reader.__new__(reader.Reader)
    made_reader._orders = orders
    batch = pa.RecordBatch.from_pydict({"time": pa.array([None, None], pa.timestamp("us", "UTC"))})
    assert made_reader._wanted(batch).num_rows == 2


def test_the_place_of_a_lost_stretch_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "STRETCH", 65536)
    feed = evtx.feed

    def fed(evidence: Evidence, columns: Columns) -> Iterator[int]:
        if evidence.start > 4096 + 65536:
            os._exit(9)
        yield from feed(evidence, columns)

    monkeypatch.setattr(evtx, "feed", fed)
    content = made.evtx(events(*range(700)))
    chunks = (len(content) - 4096) // 65536
    assert chunks > 2
    bench.put("big.evtx", content)
    result = bench.scan()
    assert len(result.lost) == chunks - 2
    rows = bench.ask("select place from reject order by place")
    assert rows[0]["place"] == f"byte {4096 + 2 * 65536:,} to {4096 + 3 * 65536:,}"
    assert 0 < bench.figures().events < 700
