"""What exporters of flows say besides flows; forms of nfdump and Argus as their programs print them today."""

from __future__ import annotations

import struct

import pytest
from reads import read

import capture_writer as made
from flows_writer import NOW, ipfix, netflow5, netflow9
from kazami.plugins import SOURCES, discover
from kazami.sources import csv_table
from kazami.sources.identify import identify
from kazami.sources.network import netflow, nfdump
from kazami.sources.network.capture import source as capture


def options(
    version: int, fields: list[tuple[int, int]], record: bytes, scope: int = 1, number: int = 500
) -> bytes:
    """A datagram with a template of options, the first `scope` of its fields are the scope, and one record."""
    listed = b"".join(struct.pack("!HH", *field) for field in fields)
    if version == 9:
        body = struct.pack("!HHH", number, 4 * scope, 4 * (len(fields) - scope)) + listed
    else:
        body = struct.pack("!HHH", number, len(fields), scope) + listed
    sets = (
        struct.pack("!HH", 1 if version == 9 else 3, len(body) + 4)
        + body
        + struct.pack("!HH", number, len(record) + 4)
        + record
    )
    if version == 9:
        return struct.pack("!HHIIII", 9, 2, 600_000, NOW, 5, 7) + sets
    return struct.pack("!HHIII", 10, len(sets) + 16, NOW, 5, 9) + sets


def test_a_template_that_comes_later() -> None:
    found = read(netflow, netflow9(1, template=False) + netflow9(2, template=False) + netflow9(3))
    assert sorted(event["orig_ip_bytes"] for event in found.of("flow")) == ["1001", "1002", "1003"]
    assert not found.rejects


def test_what_waits_for_a_template_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netflow, "MOST_HELD", 80)
    found = read(netflow, b"".join(netflow9(n, template=False) for n in range(5)))
    assert len(found.rejects) == 5


def test_a_template_of_another_exporter_does_not_count() -> None:
    other = bytearray(netflow9(2))
    other[16:20] = (8).to_bytes(4)
    found = read(netflow, netflow9(1, template=False) + bytes(other))
    assert [event["orig_ip_bytes"] for event in found.of("flow")] == ["1002"]
    assert len(found.rejects) == 1


def test_ipfix_that_counts_from_its_start() -> None:
    start = (NOW - 600) * 1000
    told = options(10, [(149, 4), (160, 8)], struct.pack("!IQ", 1, start))
    fields = struct.pack("!HHHHHHHHHHHHHH", 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 22, 4, 21, 4)
    body = struct.pack("!HH", 300, 7) + fields
    flow = bytes((10, 0, 0, 1, 192, 0, 2, 7)) + struct.pack("!HHBII", 40000, 443, 6, 540_000, 542_000)
    sets = struct.pack("!HH", 2, len(body) + 4) + body + struct.pack("!HH", 300, len(flow) + 4) + flow
    made = told + struct.pack("!HHIII", 10, len(sets) + 16, NOW, 6, 9) + sets
    (event,) = read(netflow, made).of("flow")
    assert (event["time"].timestamp(), event["duration"]) == (NOW - 60, "2.000000")


@pytest.mark.parametrize(
    ("made", "rate"),
    [
        (options(9, [(1, 4), (34, 4), (35, 1)], struct.pack("!IIB", 1, 100, 2)) + netflow9(1), "1 of 100"),
        (options(10, [(149, 4), (305, 4), (306, 4)], struct.pack("!III", 1, 1, 999)) + ipfix(1), "1 of 1000"),
        (netflow5(1)[:22] + b"\x40\x64" + netflow5(1)[24:], "1 of 100"),
    ],
)
def test_flows_of_sampled_packets_say_so(made: bytes, rate: str) -> None:
    found = read(netflow, made)
    assert len(found.of("flow")) == 1
    assert [(one["reason"], one["count"], one["sample"]) for one in found.rejects] == [
        ("flows are of sampled packets: counters are of these alone", 0, rate)
    ]


def test_both_directions_in_one_flow() -> None:
    (event,) = read(netflow, ipfix(1)).of("flow")
    assert (event["orig_ip_bytes"], event["resp_ip_bytes"]) == ("1001", "5")


def exported(*datagrams: bytes, source: str = "10.9.0.1", port: int = 2055) -> list[bytes]:
    return [made.ethernet(made.ip(made.udp(one, 40000, port), 17, source, "10.9.0.2")) for one in datagrams]


def test_flows_that_are_exported_in_a_capture() -> None:
    frames = exported(netflow9(1), netflow5(2), ipfix(3)) + exported(
        netflow9(4, template=False), source="10.9.0.3"
    )
    found = read(capture, made.pcap([*frames, *exported(b"not of NetFlow at all, surely")]))
    flows = found.of("flow")
    assert sorted(
        flow["orig_ip_bytes"] for flow in flows if flow["id.orig_h"] in ("10.0.0.1", "2001:db8::1")
    ) == ["1001", "1002", "1003"]
    assert {flow["id.orig_h"] for flow in flows if flow["id.resp_p"] == "2055"} == {"10.9.0.1", "10.9.0.3"}
    assert found.reasons == ["byte 20: flows without their template: they cannot be read"]


def test_names_are_still_asked_beside_exports() -> None:
    asked = made.ethernet(made.ip(made.udp(made.question()), 17))
    assert len(read(capture, made.pcap([asked, *exported(netflow5(1))])).of("dns")) == 1


HEAD = "Date first seen             Duration     Proto      Src IP Addr:Port           Dst IP Addr:Port   Out Pkt   In Pkt Out Byte  In Byte Flows\n"


def test_nfdump_since_1_7() -> None:
    line = "2026-12-06 01:08:06.157     00:01:02.377 TCP        10.4.20.102:54319 <->  198.51.100.210:80           7        9     8616      547     2\n"
    plain = "2026-12-06 01:08:06.157        1d 00:00:01.000 6        10.4.20.102:54319 ->  198.51.100.210:80           7        9     8616      547     2\n"
    found = read(nfdump, HEAD + line + plain)
    assert not found.rejects
    first, second = found.of("flow")
    assert [
        first[name] for name in ("duration", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes")
    ] == ["62.377", "9", "7", "547", "8616"]
    assert (second["duration"], second["proto"]) == ("86401.000", "tcp")
    assert nfdump.confidence("x", (line * 2).encode()) > 0.9


def test_the_summary_below_nfdump_s_csv_is_no_flow() -> None:
    text = "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt\n2026-12-01 19:38:41,2026-12-01 19:38:49,8.3,10.0.0.1,192.0.2.7,5,443,TCP,.A,23,164\nSummary\nflows,bytes\n1,164\n"
    found = read(csv_table, text)
    assert [event["#table"] for event in found.events] == ["flow"]
    assert not found.rejects


def test_argus_with_names_and_its_own_records() -> None:
    text = (
        "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,SrcPkts,DstPkts,SrcBytes,DstBytes\n"
        "1795983778.39,0.7,man,0,0,,0,0,STA,0,0,0,0\n"
        "1645830066.12,3.3,6,10.0.0.1,57309,   ->,192.0.2.7,https,CON,8,11,529,848\n"
        "1645830066.12,3.3,udp,10.0.0.1,0xdfdd,   ->,192.0.2.7,domain,INT,8,0,529,0\n"
    )
    found = read(csv_table, text)
    assert len(found.of("argus.management")) == 1
    first, second = found.of("flow")
    assert [first[name] for name in ("proto", "id.resp_p", "action", "resp_ip_bytes", "resp_pkts")] == [
        "tcp",
        "443",
        "accept",
        "848",
        "11",
    ]
    assert (second["id.orig_p"], second["id.resp_p"], "action" in second) == ("57309", "53", False)


@pytest.mark.parametrize(
    ("head", "name", "word"),
    [
        (b"\x0c\xa5\2\0", "nfdump", "nfdump -r"), (b"\x83\x10\x00\x20", "nfdump", "ra -r"), (b"snoop\0\0\0", "pcap", "editcap"), (b"\x34\xcd\xb2\xa1", "pcap", "editcap"),
    ],
)  # fmt: skip
def test_files_that_their_own_programs_must_print(head: bytes, name: str, word: str) -> None:
    data = head + bytes(50)
    assert identify("x", data, discover(SOURCES))[0] == name
    found = read({"nfdump": nfdump, "pcap": capture}[name], data)
    assert not found.events
    assert [word in reason for reason in found.reasons] == [True]
