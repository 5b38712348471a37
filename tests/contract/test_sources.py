"""What every source promises, held against all that are registered: ours and anybody's."""

from __future__ import annotations

import hashlib
import inspect
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture_writer import ethernet, ip, pcap, udp
from evtx_writer import write
from flows_writer import netflow5
from kazami.model.event import ENVELOPE, REJECT, REJECTS, Route
from kazami.model.evidence import Evidence
from kazami.plugins import SOURCES, discover
from kazami.sources.identify import identify
from parquet_writer import parquet

FOUND = discover(SOURCES)
BY_NAME = {found.name: found.object for found in FOUND}

EVENT = (
    '<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="P"/>'
    "<EventID>4688</EventID><TimeCreated SystemTime='2021-03-04T05:06:07Z'/><EventRecordID>%d</EventRecordID>"
    "<Channel>Security</Channel><Computer>h</Computer></System><EventData><Data Name='NewProcessName'>C:\\a.exe</Data>"
    "</EventData></Event>\n"
)

#: A well-formed piece of each format of ours: bytes, events that are records of their own.
SAMPLES: dict[str, tuple[bytes, int]] = {
    "evtx": (
        write(
            [
                {
                    "System": {"EventID": 4688, "Channel": "Security"},
                    "EventData": {"NewProcessName": "C:\\a.exe"},
                }
            ]
            * 9
        ),
        9,
    ),
    "jsonl": (
        b"".join(b'{"EventID": 1, "Channel": "Security", "RecordNumber": %d}\n' % n for n in range(9)),
        9,
    ),
    "xml": ("".join(EVENT % n for n in range(9)).encode(), 9),
    "csv": (b"time,host,what\n" + b"".join(b'2021-03-04 05:06:07,h,"a, %d"\n' % n for n in range(9)), 9),
    "syslog": (
        b"".join(b"Nov 22 05:52:%02d h sshd[1]: Invalid user x from 10.0.0.1\n" % n for n in range(9)),
        9,
    ),
    "zeek": (
        b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
        b"#fields\tts\tuid\tid.orig_h\n#types\ttime\tstring\taddr\n"
        + b"".join(b"1517336042.09084%d\tC%d\t10.0.0.1\n" % (n, n) for n in range(9)),
        9,
    ),
    "access_log": (
        b"".join(
            b'10.0.0.%d - - [10/Oct/2020:13:55:36 -0700] "GET / HTTP/1.1" 200 5\n' % n for n in range(9)
        ),
        9,
    ),
    "w3c": (
        b"#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
        + b"".join(b"2020-10-10 10:00:0%d 10.0.0.1 GET /a 200\n" % n for n in range(9)),
        9,
    ),
    "cef": (b"".join(b"CEF:0|v|p|1|%d|n|5|src=10.0.0.1 dst=10.0.0.2 msg=a b\n" % n for n in range(9)), 9),
    "nfdump": (
        b"".join(
            b"2020-10-10 10:00:0%d.000  1.000 TCP  10.0.0.1:1 ->  10.0.0.2:443  1  60  1\n" % n
            for n in range(9)
        ),
        9,
    ),
    "pcap": (pcap(ethernet(ip(udp(b"x", 1000 + n, 9999), 17)) for n in range(9)), 9),
    "parquet": (parquet([{"time": "2021-03-04T05:06:07Z", "host": "h", "what": n} for n in range(9)]), 9),
    "netflow": (b"".join(netflow5(n) for n in range(9)), 9),
    "auditd": (b"".join(b'type=CWD msg=audit(1604996384.965:%d): cwd="/a"\n' % n for n in range(9)), 9),
}

ODD: dict[str, bytes] = {
    "nothing": b"",
    "one zero": b"\0",
    "zeros": bytes(70_000),
    "one letter": b"a",
    "line ends": b"\n" * 1000 + b"\r\n\r\r",
    "invalid UTF-8": b"\xff\xfe\xfd\xfc" * 100,
    "lone surrogates": '{"a": "\\ud800"}\n"\ud800"'.encode("utf-8", "surrogatepass"),
    "UTF-16 cut": "a,b\n1,2\n".encode("utf-16")[:-1],
    "brackets": b"[" * 100_000,
    "braces": b'{"a":' * 20_000,
    "elements": b"<Event><System>" + b"<a>" * 100_000,
    "entities": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><Event>&b;</Event>',
    "quotes": b'a,b\n"' + b'""' * 50_000,
    "one long line": b"a" * 3_000_000,
    "magic of EVTX": b"ElfFile\0" + bytes(5000),
    "magic of Parquet": b"PAR1" + bytes(500) + b"\xff\xff\x00\x00PAR1",
    "chunk of nothing": b"ElfChnk\0" + b"\xff" * 65528,
}


def evidence(data: bytes, name: str = "evidence") -> Evidence:
    return Evidence(name, hashlib.sha256(data).hexdigest()[:16], "acme", len(data), lambda: io.BytesIO(data))


def batches(source: Any, item: Evidence) -> Iterator[pa.RecordBatch]:
    """Everything a source gives, each batch held to its schema."""
    for batch in source.read(item):
        batch.validate(full=True)
        route = Route.of(batch)
        if route == REJECTS:
            assert batch.schema == REJECT
            assert all(row["reason"] and row["count"] >= 0 for row in batch.to_pylist())
        else:
            assert batch.schema.names[: len(ENVELOPE)] == ENVELOPE.names
            assert all(batch.schema.field(f.name).equals(f) for f in ENVELOPE)
            assert all(_is_field(batch.schema.field(n)) for n in batch.schema.names[len(ENVELOPE) :])
            assert set(batch.column("tenant").to_pylist()) <= {item.tenant}
            assert set(batch.column("evidence").to_pylist()) <= {item.uid}
            assert all(len(uid) == 32 for uid in batch.column("event_uid").to_pylist())
            if not route.projected:
                assert batch.column("raw").null_count == 0
        yield batch


def _is_field(field: pa.Field) -> bool:
    return field.type in (pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.string()))


def own(source: Any, item: Evidence) -> list[tuple[str, int]]:
    """Uid and record of the events that are records of their own, sorted."""
    found = [b for b in batches(source, item) if Route.of(b) != REJECTS and not Route.of(b).projected]
    return sorted(
        pair
        for b in found
        for pair in zip(b.column("event_uid").to_pylist(), b.column("record").to_pylist(), strict=True)
    )


def test_all_sources_load() -> None:
    assert [f.name for f in FOUND if f.error] == []
    assert set(SAMPLES) <= set(BY_NAME)


@pytest.mark.parametrize("name", BY_NAME)
def test_it_says_what_it_does(name: str) -> None:
    source = BY_NAME[name]
    for thing in (source, source.confidence, source.read):
        assert inspect.getdoc(thing)


@pytest.mark.parametrize("name", SAMPLES)
def test_it_reads_its_own_format(name: str) -> None:
    data, count = SAMPLES[name]
    item = evidence(data)
    assert identify("evidence", data[:65536], FOUND) == (name, "")
    assert len(own(BY_NAME[name], item)) == count
    assert not [b for b in batches(BY_NAME[name], item) if Route.of(b) == REJECTS]


@pytest.mark.parametrize("name", SAMPLES)
def test_reading_again_gives_the_same_events(name: str) -> None:
    item = evidence(SAMPLES[name][0])
    first = own(BY_NAME[name], item)
    assert own(BY_NAME[name], item) == first
    assert len({uid for uid, _ in first}) == len(first)
    assert {uid for uid, _ in own(BY_NAME[name], replace(item, tenant="other", name="elsewhere"))}.isdisjoint(
        uid for uid, _ in first
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_a_name_decides_nothing(name: str) -> None:
    for disguise in ("x.exe", "x.csv", "x.json", "x.evtx", ""):
        assert identify(disguise, SAMPLES[name][0][:65536], FOUND)[0] == name


@pytest.mark.parametrize("name", SAMPLES)
def test_cut_anywhere_it_gives_what_comes_before(name: str) -> None:
    data, _ = SAMPLES[name]
    source, whole = BY_NAME[name], {r for _, r in own(BY_NAME[name], evidence(data))}
    step = max(1, len(data) // 97)
    for at in (*range(0, len(data), step), *range(max(0, len(data) - 9), len(data))):
        found = {r for _, r in own(source, evidence(data[:at]))}
        assert found <= whole, at
    assert len({r for _, r in own(source, evidence(data[: len(data) * 9 // 10]))}) >= (
        0
        if name in ("evtx", "parquet")
        else 7  # a chunk of 64 KiB; a table whose description stands at its end
    )


@pytest.mark.parametrize("name", [name for name in SAMPLES if hasattr(BY_NAME[name], "split")])
def test_parts_hold_what_the_whole_holds(name: str) -> None:
    source = BY_NAME[name]
    item = evidence(SAMPLES[name][0])
    parts = [replace(item, start=start, stop=stop) for start, stop in source.split(item, 1)]
    assert sorted(pair for part in parts for pair in own(source, part)) == own(source, item)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", BY_NAME)
def test_odd_bytes_become_rejects_or_nothing(name: str, odd: str) -> None:
    source, data = BY_NAME[name], ODD[odd]
    assert 0.0 <= source.confidence("evidence", data[:65536]) <= 1.0
    for _ in batches(source, evidence(data)):
        pass


@pytest.mark.parametrize("other", SAMPLES)
@pytest.mark.parametrize("name", BY_NAME)
def test_other_formats_become_rejects_or_nothing(name: str, other: str) -> None:
    for _ in batches(BY_NAME[name], evidence(SAMPLES[other][0])):
        pass


@pytest.mark.parametrize("name", BY_NAME)
@given(data=st.binary(max_size=300))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_become_rejects_or_nothing(name: str, data: bytes) -> None:
    source = BY_NAME[name]
    assert 0.0 <= source.confidence("evidence", data) <= 1.0
    for _ in batches(source, evidence(data)):
        pass
