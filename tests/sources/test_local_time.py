"""Local times of collectors: the zone is in the evidence, or it is not known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reads import read

from kazami.sources import jsonl

SYSMON = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Hostname": "ws1"}
SECURITY = {"Channel": "Security", "EventID": 4624, "Hostname": "ws1"}


def times(*records: dict[str, Any]) -> list[str | None]:
    found = read(jsonl, "\n".join(map(json.dumps, records)))
    return [event["time"].isoformat() if "time" in event else None for event in found.own]


@pytest.mark.parametrize(
    ("local", "utc", "expected"),
    [
        ("2020-10-18 02:17:12.527", "2020-10-18 06:17:12.520", "2020-10-18T06:20:00+00:00"),
        ("2020-10-18 11:47:12.527", "2020-10-18 06:17:12.520", "2020-10-17T20:50:00+00:00"),
        ("2020-10-18 06:17:12.527", "2020-10-18 06:17:12.520", "2020-10-18T02:20:00+00:00"),
        ("2020-10-18 10:56:18.799", "2020-10-19 02:56:18.700", "2020-10-18T02:20:00+00:00"),
        ("garbage", "2020-10-19 02:56:18.700", "2020-10-18T02:20:00+00:00"),
    ],
)
def test_the_zone_of_one_record_is_that_of_the_file(local: str, utc: str, expected: str) -> None:
    """The last but one is a clock of twelve hours that lost its half of the day: no zone, so UTC."""
    security = {**SECURITY, "TimeCreated": "2020-10-18 02:20:00"}
    assert times(security, {**SYSMON, "TimeCreated": local, "UtcTime": utc})[0] == expected


def test_a_time_that_says_its_zone_is_left_alone() -> None:
    sysmon = {**SYSMON, "TimeCreated": "2020-10-18 02:17:12", "UtcTime": "2020-10-18 06:17:12"}
    security = {**SECURITY, "TimeCreated": "2020-10-18T02:20:00Z"}
    assert times(sysmon, security)[1] == "2020-10-18T02:20:00+00:00"


def nxlog(event: Any, received: Any, stamp: Any) -> dict[str, Any]:
    return {**SECURITY, "EventTime": event, "EventReceivedTime": received, "@timestamp": stamp}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (nxlog("2020-06-09 22:50:54", "2020-06-09 22:50:56", "2020-06-10T02:50:56.5Z"), "2020-06-10T02:50:54+00:00"),
        (nxlog("2020-06-09 23:59:59", "2020-06-10 00:00:01", "2020-06-09T18:30:01Z"), "2020-06-09T18:29:59+00:00"),
        (nxlog("2020-06-09 22:50:54", "2020-06-09 22:50:56", "2020-06-12T02:50:56Z"), "2020-06-09T22:50:54+00:00"),
        (nxlog("2020-06-09T22:50:54+09:00", "2020-06-09 22:50:56", "2020-06-10T02:50:56Z"), "2020-06-09T13:50:54+00:00"),
        (nxlog("2020-06-09 22:50:54", None, "2020-06-10T02:50:56Z"), "2020-06-09T22:50:54+00:00"),
        (nxlog(None, "x", "y"), None),
    ],
)  # fmt: skip
def test_nxlog(record: dict[str, Any], expected: str | None) -> None:
    assert times(record) == [expected]
