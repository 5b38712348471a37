"""Connections of which firewalls tell the beginning and the end."""

from __future__ import annotations

import pytest
from reads import read

from kazami.sources import syslog
from kazami.sources.network import session

BUILT = "Mar 01 2024 10:00:00 fw1 : %ASA-6-302013: Built {way} TCP connection {n} for outside:203.0.113.5/{far} (203.0.113.5/{far}) to inside:10.1.1.20/{near} (198.51.100.1/{near})\n"
DOWN = "Mar 01 2024 11:02:03 fw1 : %ASA-6-302014: Teardown TCP connection {n} for outside:203.0.113.5/{far} to inside:10.1.1.20/{near} duration 1:02:03 bytes 5821 TCP FINs\n"
OUT = {"way": "outbound", "n": 7, "far": 443, "near": 51514}
IN = {"way": "inbound", "n": 8, "far": 40000, "near": 443}
ENDS = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")


@pytest.mark.parametrize(
    ("form", "ends"),
    [(OUT, ["10.1.1.20", "51514", "203.0.113.5", "443"]), (IN, ["203.0.113.5", "40000", "10.1.1.20", "443"])],
)
def test_a_connection_is_told_once(form: dict[str, object], ends: list[str]) -> None:
    built, down = BUILT.format(**form), DOWN.format(**form)
    for text, time, raw in (
        (built + down, "10:00:00", (built + down).strip()),
        (down, "11:02:03", down.strip()),
        (built, "10:00:00", built.strip()),
    ):
        (event,) = read(syslog, text).of("flow")
        assert [event[name] for name in ENDS] == ends
        assert event["time"].isoformat() == f"2024-03-01T{time}+00:00"
        assert event.get("duration") == ("3723" if down in text else None)
        assert (event["action"], event["raw"]) == ("accept", raw)


def test_numbers_of_other_firewalls_and_numbers_used_again() -> None:
    other = DOWN.format(**OUT).replace("fw1", "fw2")
    again = BUILT.format(**{**OUT, "near": 51515})
    found = read(syslog, BUILT.format(**OUT) + other + again + DOWN.format(**{**OUT, "near": 51515}))
    assert sorted((event["id.orig_p"], "duration" in event) for event in found.of("flow")) == [
        ("51514", False),
        ("51514", True),
        ("51515", True),
    ]


def test_what_is_waited_for_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_OPEN", 2)
    text = "".join(BUILT.format(**{**OUT, "n": n}) for n in range(1, 6)) + DOWN.format(**{**OUT, "n": 1})
    assert len(read(syslog, text).of("flow")) == 6


def test_beginnings_of_other_makers() -> None:
    line = 'Mar  1 10:00:00 gw date=2024-03-01 time=10:00:0{n} devname="F" devid="D" type="traffic" srcip=10.1.1.20 srcport=5 dstip=203.0.113.5 dstport=443 proto=6 sessionid=9 action="{action}"{more}\n'
    (event,) = read(
        syslog,
        line.format(n=1, action="start", more="")
        + line.format(n=9, action="close", more=" sentbyte=7 rcvdbyte=8 duration=8"),
    ).of("flow")
    assert (event["time"].second, event["orig_ip_bytes"], event["duration"], event["action"]) == (
        1,
        "7",
        "8",
        "accept",
    )
