"""EVTX files: whole, in stretches, carved, damaged; everything that can be read is, and what cannot is named."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cells import by_uid, events, rejects

from evtx_writer import write
from kazami.model.evidence import Evidence
from kazami.sources import evtx
from kazami.sources.columns import Columns
from kazami.sources.evtx_window import CHUNK_MAGIC, HEADER

CHUNK = 65536

RECORDS: list[dict[str, Any]] = [
    {
        "System": {
            "Provider": "Microsoft-Windows-Sysmon",
            "Channel": "Microsoft-Windows-Sysmon/Operational",
            "EventID": (1, 3, 11)[number % 3],
            "TimeCreated": datetime(2021, 3, 4, 5, number // 60, number % 60, number, tzinfo=UTC),
        },
        "EventData": {"Image": f"C:\\{number}.exe", f"Field{number % 5}": "x" * (number * 7 % 900)},
    }
    for number in range(400)
]
WHOLE = write(RECORDS)
CHUNKS = (len(WHOLE) - HEADER) // CHUNK


def evidence(data: bytes, **changed: Any) -> Evidence:
    given = Evidence("a.evtx", "ab" * 8, "acme", len(data), partial(io.BytesIO, data))
    return replace(given, **changed)


def read(data: bytes, **changed: Any) -> dict[Any, Any]:
    return by_uid(evtx.read(evidence(data, **changed)))


def lost(data: bytes, **changed: Any) -> list[dict[str, Any]]:
    return rejects(evtx.read(evidence(data, **changed)))


@pytest.fixture(scope="module")
def whole() -> dict[Any, Any]:
    found = read(WHOLE)
    assert len(found) == len(RECORDS)
    assert CHUNKS >= 4
    return found


def test_a_file_is_read_the_same_by_its_path_and_without(whole: dict[Any, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.evtx"
    path.write_bytes(WHOLE)
    assert read(WHOLE, path=path, open=partial(path.open, "rb")) == whole
    assert not lost(WHOLE)
    first = min(whole.values(), key=lambda row: row["record"])
    assert first["record"] == 1
    assert first["Image"] == "C:\\0.exe"
    assert first["time"] == datetime(2021, 3, 4, 5, 0, 0, 0, tzinfo=UTC)
    assert first["raw"].startswith("{")


@pytest.mark.parametrize("size", [1, CHUNK, 2 * CHUNK + 5, 100 * CHUNK])
def test_stretches_are_the_whole(whole: dict[Any, Any], size: int) -> None:
    stretches = evtx.split(evidence(WHOLE), size)
    assert stretches[0][0] == HEADER
    assert stretches[-1][1] == len(WHOLE)
    assert [stop for _, stop in stretches[:-1]] == [start for start, _ in stretches[1:]]
    parts = [read(WHOLE, start=start, stop=stop) for start, stop in stretches]
    assert sum(map(len, parts)) == len(whole)
    assert {uid: row for part in parts for uid, row in part.items()} == whole
    assert not any(lost(WHOLE, start=start, stop=stop) for start, stop in stretches)


def test_stretches_of_a_cut_file_lose_no_more_than_the_whole_of_it() -> None:
    data = WHOLE[: HEADER + 2 * CHUNK + 9000]
    parts = [read(data, start=start, stop=stop) for start, stop in evtx.split(evidence(data), CHUNK)]
    assert {uid: row for part in parts for uid, row in part.items()} == read(data)


@pytest.mark.parametrize("chunk", range(3))
def test_a_carved_chunk_is_read_without_its_file(whole: dict[Any, Any], chunk: int) -> None:
    data = WHOLE[HEADER + chunk * CHUNK :][:CHUNK]
    found = read(data)
    assert found
    assert found == {uid: whole[uid] for uid in found}
    assert evtx.split(evidence(data), 1) == [(0, CHUNK)]
    assert evtx.confidence("x", data) > 0.5


def test_carved_chunks_behind_each_other_are_read_all() -> None:
    assert read(WHOLE[HEADER:]) == read(WHOLE)


@pytest.mark.parametrize("place", [8, 16, 24, 32, 36, 40, 42, 120, 124])
def test_a_damaged_header_costs_no_event(whole: dict[Any, Any], place: int, tmp_path: Path) -> None:
    data = bytearray(WHOLE)
    data[place : place + 2] = b"\xff\xff"
    path = tmp_path / "a.evtx"
    path.write_bytes(data)
    assert read(bytes(data)) == whole
    assert read(bytes(data), path=path, open=partial(path.open, "rb")) == whole


@pytest.mark.parametrize("end", [1, 7, 8, 44, 100, HEADER - 1, HEADER, HEADER + 100, HEADER + 511])
def test_where_no_record_is_left_the_loss_is_said(end: int, tmp_path: Path) -> None:
    path = tmp_path / "a.evtx"
    path.write_bytes(WHOLE[:end])
    for changed in ({}, {"path": path}):
        (reject,) = lost(WHOLE[:end], **changed)
        assert reject["name"] == "a.evtx"
        assert reject["count"] >= 1
        assert not read(WHOLE[:end], **changed)


def test_what_comes_before_a_cut_is_kept(whole: dict[Any, Any]) -> None:
    last = 0
    for end in range(HEADER + 512, len(WHOLE) - 1, 20_011):
        found = read(WHOLE[:end])
        assert found == {uid: whole[uid] for uid in found}
        assert len(found) >= last
        assert len(found) == len(whole) or lost(WHOLE[:end])
        last = len(found)
    assert last > len(whole) * 3 // 4


@pytest.mark.parametrize(("place", "bytes_"), [(24, b"\xee" * 8), (4, b"\xff\xff\xff\x7f"), (0, b"xxxx")])
def test_a_damaged_record_costs_nothing_beyond_its_chunk(
    whole: dict[Any, Any], place: int, bytes_: bytes
) -> None:
    data = bytearray(WHOLE)
    at = data.index(b"**\0\0", HEADER + CHUNK + 30_000) + place
    data[at : at + len(bytes_)] = bytes_
    found = read(bytes(data))
    assert found == {uid: whole[uid] for uid in found}
    assert read(WHOLE[HEADER:][:CHUNK]).keys() | read(WHOLE[HEADER + 2 * CHUNK :]).keys() <= found.keys()
    assert all(reject["place"].startswith("after record ") for reject in lost(bytes(data)))
    assert sum(reject["count"] for reject in lost(bytes(data))) > 0


def test_a_chain_without_end_costs_nothing(whole: dict[Any, Any], tmp_path: Path) -> None:
    data = bytearray(WHOLE)
    for chunk in (HEADER, HEADER + 2 * CHUNK):
        name = data.index("Event\0".encode("utf-16-le"), chunk) - 8 - chunk
        itself = name.to_bytes(4, "little")
        data[chunk + 128 : chunk + 132] = data[chunk + name : chunk + name + 4] = itself
    path = tmp_path / "a.evtx"
    path.write_bytes(data)
    assert read(bytes(data)) == whole
    assert read(bytes(data), path=path, open=partial(path.open, "rb")) == whole


def test_noise_ends_and_raises_nothing() -> None:
    chance = random.Random(7)
    for _ in range(25):
        data = bytearray(WHOLE[: HEADER + CHUNK])
        for _ in range(chance.choice([1, 5, 50])):
            at = chance.randrange(HEADER, len(data))
            data[at] = chance.randrange(256)
        for batch in evtx.read(evidence(bytes(data))):
            batch.validate(full=True)


def test_the_largest_record_id_there_is() -> None:
    system = {"EventRecordID": 2**64 - 1, "EventID": 1, "Channel": "Security"}
    (found,) = events(evtx.read(evidence(write([{"System": system}])))).values()
    (row,) = found
    assert row["record"] == 2**63 - 1
    assert str(2**64 - 1) in row["raw"]


def test_progress_adds_up_to_the_size() -> None:
    columns = Columns()
    for part in (
        evidence(WHOLE),
        evidence(WHOLE, start=HEADER + CHUNK, stop=HEADER + 2 * CHUNK),
        evidence(b"ElfFile"),
    ):
        columns.begin(part)
        wanted = (part.size if part.stop is None else part.stop) - part.start
        assert sum(evtx.feed(part, columns)) == wanted


class PanicException(BaseException):
    """What a panic of the library is called."""


class Parser:
    """A library that gives some records and then fails."""

    def __init__(self, *ends: BaseException | None) -> None:
        self.ends = list(ends)

    def records_json(self) -> Iterator[dict[str, Any]]:
        return self

    def __iter__(self) -> Parser:
        return self

    def __next__(self) -> dict[str, Any]:
        end = self.ends.pop(0) if self.ends else StopIteration()
        if end is not None:
            raise end
        system = {"EventID": 1, "Channel": "Security", "EventRecordID": len(self.ends)}
        return {"event_record_id": len(self.ends), "data": json.dumps({"Event": {"System": system}})}


def failing(monkeypatch: pytest.MonkeyPatch, *ends: BaseException | None) -> tuple[int, list[str]]:
    monkeypatch.setattr(evtx, "_parser", lambda *_: Parser(*ends))
    batches = list(evtx.read(evidence(WHOLE)))
    return len(by_uid(batches)), [f"{row['place']}: {row['reason']}" for row in rejects(batches)]


def test_after_an_error_the_next_record_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failing(monkeypatch, None, RuntimeError("bad"), None, None) == (3, ["after record 3: bad"])


def test_a_panic_of_the_library_ends_the_file_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    count, reasons = failing(monkeypatch, None, None, PanicException("index out of bounds"), None)
    assert count == 2
    assert reasons == ["after record 2: the decoder gave up: index out of bounds"]


def test_whoever_wants_to_stop_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        failing(monkeypatch, None, KeyboardInterrupt())


def test_a_file_that_fails_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evtx, "MAX_ERRORS", 5)
    count, reasons = failing(monkeypatch, None, *[RuntimeError("bad")] * 50, None)
    assert count == 1
    assert reasons[-1] == "after record 51: given up after 5 errors"
    assert len(reasons) == 6


@pytest.mark.parametrize(
    ("head", "sure"),
    [
        (WHOLE[:4096], 1.0),
        (b"ElfFile\0", 1.0),
        (CHUNK_MAGIC, 0.9),
        (b"ElfFile", 0.0),
        (b"", 0.0),
        (b"{}", 0.0),
        (b"x" + WHOLE[:100], 0.0),
    ],
)
def test_confidence(head: bytes, sure: float) -> None:
    assert evtx.confidence("a.evtx", head) == sure
