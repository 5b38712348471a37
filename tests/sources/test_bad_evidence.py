"""Bad evidence, from the file to the rows: nothing raises, everything readable is read, each loss is named and counted."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
import pyzipper

from evtx_writer import write
from kazami.archive.budget import Limits
from kazami.model.event import REJECTS, Route, rejects
from kazami.model.evidence import Evidence
from kazami.plugins import SOURCES, discover
from kazami.sources import walk
from kazami.sources.identify import identify

FOUND = discover(SOURCES)


class Scan:
    """What a scan of some paths would find, without rules: events, rejects, notes by the name of the evidence."""

    def __init__(self, *paths: Path, **options: Any) -> None:
        self.batches: list[pa.RecordBatch] = []
        self.rejects: list[dict[str, Any]] = []
        self.notes: dict[str, str] = {}
        for item in walk.find(paths, tenant="acme", **options):
            if isinstance(item, Evidence):
                self._read(item)
            else:
                self.rejects += rejects([item]).to_pylist()

    def _read(self, item: Evidence) -> None:
        with item.open() as stream:
            name, note = identify(item.name, stream.read(65536), FOUND)
        self.notes[item.name] = note or name
        source = next((f.object for f in FOUND if f.name == name), None)
        for batch in source.read(item) if source else ():
            batch.validate(full=True)
            route = Route.of(batch)
            if route == REJECTS:
                self.rejects += batch.to_pylist()
            elif not route.projected:
                self.batches.append(batch)

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        rows = (row for batch in self.batches for row in batch.to_pylist())
        return [{name: value for name, value in row.items() if value is not None} for row in rows]

    @property
    def lost(self) -> int:
        return sum(row["count"] for row in self.rejects)

    @property
    def words(self) -> str:
        return "\n".join(f"{r['name']} ({r['place']}): {r['reason']}" for r in self.rejects)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Any]:
    def make(data: bytes | str, name: str = "evidence.bin") -> Path:
        path = tmp_path / name
        path.write_bytes(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
        return path

    return make


RECORDS = [
    {
        "System": {
            "EventID": 4688,
            "Channel": "Security",
            "TimeCreated": datetime(2021, 3, 4, 5, 6, n % 60, tzinfo=UTC),
        },
        "EventData": {"NewProcessName": f"C:\\{n}.exe", "CommandLine": "x" * (n % 700)},
    }
    for n in range(300)
]
EVTX = write(RECORDS)
LINES = b"".join(
    b'{"EventID": 4688, "Channel": "Security", "NewProcessName": "C:\\\\%d.exe"}\n' % n for n in range(200)
)


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return out.getvalue()


def test_an_empty_file_is_said_to_be_empty(file: Any) -> None:
    scan = Scan(path := file(b""))
    assert scan.notes == {str(path): "empty"}
    assert not scan.events
    assert not scan.rejects


def test_what_is_no_evidence_is_said_to_be(file: Any) -> None:
    scan = Scan(file(b"MZ\x90\0\x03\0\0\0", "a.evtx"), file(b"\x89PNG\r\n\x1a\n", "b.log"))
    assert [n.split(": ")[1] for n in scan.notes.values()] == ["a Windows program", "an image"]


def complete_records(data: bytes) -> int:
    count = 0
    for chunk in range(4096, len(data), 65536):
        at = chunk + 512
        while data[at : at + 4] == b"**\0\0" and at + 8 <= len(data):
            size = int.from_bytes(data[at + 4 : at + 8], "little")
            count += at + size <= len(data)
            at += size
    return count


@pytest.mark.parametrize("packed", [False, True])
def test_an_evtx_cut_anywhere(file: Any, packed: bool) -> None:
    """Plain, and out of an archive, where it has no path."""
    assert len(Scan(file(EVTX)).events) == 300
    ends = [4096, 4097, 4096 + 512, 4096 + 65536, 4096 + 65536 + 1, len(EVTX) - 65536]
    for at in sorted({*range(9, len(EVTX), len(EVTX) // 40), *ends}):
        path = file(gzip.compress(EVTX[:at], 1) if packed else EVTX[:at])
        scan = Scan(path)
        assert sum(batch.num_rows for batch in scan.batches) == complete_records(EVTX[:at]), at
        assert all(r["name"].startswith(str(path)) and r["place"].startswith("byte ") for r in scan.rejects)
        assert scan.lost or len(scan.events) == 300, at


@pytest.mark.parametrize("at", [*range(1, len(LINES), 997), len(LINES) - 1, len(LINES) - 2])
def test_json_lines_cut_anywhere(file: Any, at: int) -> None:
    scan = Scan(file(LINES[:at]))
    complete = LINES[:at].count(b"}")
    assert len(scan.events) == complete
    assert scan.lost == (0 if LINES[:at].rstrip().endswith((b"}", b"}\n")) else 1)
    if scan.lost and complete:
        assert f"line {complete + 1}" in scan.words


def test_containers_cut_anywhere(file: Any) -> None:
    for data in (gzip.compress(LINES), zipped(a_jsonl=LINES, b_evtx=EVTX)):
        most = 0
        for at in range(10, len(data), max(1, len(data) // 25)):
            scan = Scan(file(data[:at]))
            assert scan.rejects, at
            assert "evidence.bin" in scan.words
            most = max(most, len(scan.events))
        assert most > 150


def test_every_malformed_evtx(shared: Path) -> None:
    files = sorted((shared / "malformed-evtx").rglob("*"))
    assert files
    for path in files:
        scan = Scan(path)
        assert scan.events or scan.rejects or scan.notes, path
        assert all(r["name"] == str(path) and r["reason"] for r in scan.rejects)


def test_a_wrong_password(file: Any) -> None:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"right")
        archive.writestr("a.jsonl", LINES)
    path = file(out.getvalue(), "logs.zip")
    scan = Scan(path, passwords=["wrong"])
    assert (scan.events, scan.lost) == ([], 1)
    assert scan.words.startswith(f"{path}!a.jsonl ()")
    assert "passwords opens it" in scan.words
    assert len(Scan(path, passwords=["right"]).events) == 200


def test_a_bomb_beside_good_logs(file: Any) -> None:
    path = file(zipped(a_jsonl=LINES, bomb=bytes(9 << 20), c_jsonl=LINES), "logs.zip")
    scan = Scan(path, limits=Limits(ratio=50, ratio_from=1 << 20))
    assert len(scan.events) == 200
    assert scan.lost == 1
    assert f"{path}!bomb" in scan.words
    assert "archive bomb?" in scan.words


@pytest.mark.parametrize(
    ("line", "filler"),
    [
        (b'{"EventID": 1, "Channel": "Security", "n": "%d"}\n', b'{"a": "%s"}\n'),
        (b"Nov 22 05:52:59 h sshd[1]: Invalid user x%d\n", b"Nov 22 05:52:59 h sshd[1]: %s\n"),
        (
            b'type=CWD msg=audit(1604996384.965:%d): cwd="/a"\n',
            b'type=CWD msg=audit(1604996384.965:2): cwd="%s"\n',
        ),
    ],
)
def test_a_line_of_a_hundred_megabytes_costs_just_itself(file: Any, line: bytes, filler: bytes) -> None:
    path = file(line % 1 + filler % (b"A" * 100_000_000) + line % 3)
    scan = Scan(path)
    assert [e["record"] for e in scan.events] == [1, 3]
    assert scan.lost == 1
    assert scan.words.startswith(f"{path} (line 2")
    assert "longer than 16 MiB" in scan.words


def test_bytes_that_are_no_text(file: Any) -> None:
    data = (
        b'{"EventID": 1, "Channel": "S", "a": "\xff\xfe"}\n{"EventID": 1, "Channel": "S", "a": "x\\u0000y"}\n'
    )
    data += b'{"EventID": 1, "Channel": "S", "a": "\\ud800z"}\n\0\0\0\n{"EventID": 1, "Channel": "S", "a": "ok"}\n'
    scan = Scan(file(data))
    assert [e["a"] for e in scan.events] == ["\ufffd\ufffd", "x\0y", "\ufffdz", "ok"] or len(scan.events) == 4
    assert scan.lost == 0
    assert "line 1" in scan.words
    for event in scan.events:
        event["raw"].encode()


def test_names_of_fields_that_are_no_text(file: Any) -> None:
    scan = Scan(
        file('{"\\ud800": "1", "\\ud801": "2", "": "3", "a\\u0000b": "4", "x": "5"}\n{"\\ud800": "6"}')
    )
    assert [e.get("x") for e in scan.events] == ["5", None]
    assert [next(v for n, v in e.items() if "\ufffd" in n) for e in scan.events] == ["1", "6"]
    assert scan.lost == 0


def test_names_of_fields_that_want_escaping_in_evtx(file: Any) -> None:
    data = {"a\\b": "x", 'q"q': "y", "n\nn": "z", "ok": "C:\\Q"}
    scan = Scan(file(write([{"System": {}, "EventData": data}] * 3)))
    assert [{name: event[name] for name in data} for event in scan.events] == [data] * 3


def test_values_of_every_kind(file: Any) -> None:
    record = {
        "EventID": 1, "Channel": "Security", "number": 5, "big": 2**70, "float": 1.5, "yes": True, "null": None, "list": ["a", 1, None],
        "object": {"a": {"b": 1}}, "objects": [{"x": 1}, {"x": 2}], "empty": "", "deep": [[[["z"]]]],
    }  # fmt: skip
    text = orjson.dumps({k: v for k, v in record.items() if k != "big"})[:-1] + b', "big": %d}' % 2**70
    scan = Scan(file(text + b"\n" + text))
    assert len(scan.events) == 2
    (event, _) = scan.events
    shown = {
        name: event.get(name) for name in ("number", "float", "yes", "list", "object.a.b", "empty", "big")
    }
    assert shown == {
        "number": "5",
        "float": "1.5",
        "yes": "true",
        "list": ["a", "1", None],
        "object.a.b": "1",
        "empty": "",
        "big": str(2**70),
    }


def test_five_thousand_distinct_fields(file: Any) -> None:
    one = b"{%s}\n" % b", ".join(b'"f%d": "v"' % n for n in range(5000))
    many = b"".join(b'{"g%d": "v", "same": "s"}\n' % n for n in range(5000))
    scan = Scan(file(one, "one.jsonl"), file(many, "many.jsonl"))
    assert sum(batch.num_rows for batch in scan.batches) == 5001
    same = [batch.column("same") for batch in scan.batches if "same" in batch.schema.names]
    assert sum(len(column) - column.null_count for column in same) == 5000
    assert scan.lost == 0


CLOCKS = {
    "1601-01-01T00:00:00Z": "1601-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59.999999Z": "9999-12-31T23:59:59.999999+00:00",
    "2020-09-20 20:11:33": "2020-09-20T20:11:33+00:00",
    "9/20/2020 8:11:33 PM": "2020-09-20T20:11:33+00:00",
    "2020/09/20 20:11:33": "2020-09-20T20:11:33+00:00",
    "99999-01-01T00:00:00Z": None,
    "0000-00-00 00:00:00": None,
    "yesterday": None,
    "": None,
}


@pytest.mark.parametrize("text", CLOCKS)
def test_odd_clocks_lose_no_event(file: Any, text: str) -> None:
    record = orjson.dumps({"EventID": 1, "Channel": "Security", "TimeCreated": text, "x": "y"})
    (event,) = Scan(file(record)).events
    assert (event["time"].isoformat() if "time" in event else None) == CLOCKS[text]
    assert event["x"] == "y"


def test_odd_clocks_in_evtx(file: Any) -> None:
    moments = [datetime(1601, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
    data = write([{"System": {"TimeCreated": moment}, "EventData": {"x": "y"}} for moment in moments])
    scan = Scan(file(data))
    assert len(scan.events) + scan.lost == 2
    assert [e["x"] for e in scan.events] == ["y"] * len(scan.events)


def test_nothing_is_read_twice_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "a.evtx").write_bytes(EVTX)
    (tmp_path / "copy.zip").write_bytes(zipped(a_evtx=EVTX))
    scan = Scan(tmp_path)
    assert len(scan.events) == 600
    assert len({e["event_uid"] for e in scan.events}) == 300
    assert {e["evidence"] for e in scan.events} == {hashlib.sha256(EVTX).hexdigest()[:16]}
