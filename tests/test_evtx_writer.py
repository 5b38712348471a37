"""The writer of the tests' EVTX files is held to the library that Kazami reads them with."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import evtx
import orjson
import pytest

from evtx_writer import write

MOMENT = datetime(2021, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
SYSMON: dict[str, Any] = {
    "System": {
        "Provider": "Microsoft-Windows-Sysmon",
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "A.b",
        "TimeCreated": MOMENT,
        "UserID": "S-1-5-18",
    },
    "EventData": {
        "Image": "C:\\a.exe",
        "ProcessId": 4,
        "名": "語😀",
        "Big": 2**40,
        "Yes": True,
        "Bytes": b"\1\2",
    },
}


def parsed(data: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(r["data"])["Event"] for r in evtx.PyEvtxParser(io.BytesIO(data)).records_json()]


@pytest.mark.parametrize("inline", [False, True])
def test_a_record_is_read_back(inline: bool) -> None:
    event = parsed(write([SYSMON], inline))[0]
    system = event["System"]
    assert system["Provider"]["#attributes"]["Name"] == "Microsoft-Windows-Sysmon"
    assert str(system["EventID"]) == "1"
    assert system["Computer"] == "A.b"
    assert system["TimeCreated"]["#attributes"]["SystemTime"] == "2021-03-04T05:06:07.891011Z"
    assert system["Security"]["#attributes"]["UserID"] == "S-1-5-18"
    data = {k: str(v).lower() for k, v in event["EventData"].items()}
    assert data == {
        "Image": "c:\\a.exe",
        "ProcessId": "4",
        "名": "語😀",
        "Big": "1099511627776",
        "Yes": "true",
        "Bytes": "0102",
    }


@pytest.mark.parametrize("inline", [False, True])
def test_unnamed_and_user_data_are_read_back(inline: bool) -> None:
    cleared = {"System": {"EventID": 1102}, "UserData": {"LogFileCleared": {"SubjectUserName": "bob"}}}
    events = parsed(write([{"System": {}, "EventData": ["x", "y"]}, cleared], inline))
    assert events[0]["EventData"] == {"Data": {"#text": ["x", "y"]}}
    assert events[1]["UserData"] == {"LogFileCleared": {"SubjectUserName": "bob"}}


def test_records_go_over_several_chunks_and_share_templates() -> None:
    data = write([SYSMON, {"System": {}, "EventData": []}] * 500)
    assert len(data) > 4096 + 2 * 65536
    assert [e["System"]["EventRecordID"] for e in parsed(data)] == list(range(1, 1001))


def test_no_records_are_a_file_without_chunks() -> None:
    assert len(write([])) == 4096
    assert parsed(write([])) == []


def test_a_record_larger_than_a_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="record 1 is larger"):
        write([{"EventData": {"x": "a" * 32_700}}])
