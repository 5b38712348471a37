"""Captures: files, frames, tunnels, fragments, segments in any order, what flows say, and everything that is broken."""

from __future__ import annotations

import base64
import random
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reads import Reading, fields, read

import capture_writer as made
import rat_messages
from kazami.sources.network.capture import connection, source
from kazami.sources.network.capture import engine as engines
from kazami.sources.network.capture import flow as flows
from kazami.sources.network.capture.application import dns, tls
from kazami.sources.network.capture.engine import Engine
from kazami.sources.network.capture.fragment import MAX_WAITING, Fragments
from kazami.sources.network.capture.packets import Packet
from kazami.wire import hello

DATA = Path(__file__).parents[3] / "shared" / "data"
ASK = b"GET /a/b.exe?c HTTP/1.1\r\nHost: x.example\r\nUser-Agent: curl\r\n\r\n"
SAY = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\nContent-Length: 5\r\n\r\nhello"


def captured(packets: list[bytes]) -> Reading:
    return read(source, made.pcap([made.ethernet(packet) for packet in packets]))


def the_flow(found: Reading) -> dict[str, Any]:
    (flow,) = found.of("flow")
    return fields(flow)


@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("write", [made.pcap, made.pcapng])
def test_files(write: Any, order: str, nano: bool) -> None:
    data = write([made.ethernet(packet) for packet in made.talk(ASK, SAY, 80)], order=order, nano=nano)
    assert source.confidence("x", data[:4096]) == 1.0
    found = read(source, data)
    assert found.rejects == []
    (event,) = found.of("flow")
    assert event["time"].timestamp() == made.START / 1e6
    assert {"id.orig_h": "10.0.0.1", "id.resp_p": "80", "orig_bytes": str(len(ASK)), "resp_bytes": str(len(SAY)), "conn_state": "SF",
            "service": "http", "orig_pkts": "3", "resp_pkts": "3", "action": "accept", "proto": "tcp"}.items() <= fields(event).items()  # fmt: skip
    (request,) = found.of("http")
    assert {
        "method": "GET",
        "host_": "x.example",
        "uri": "/a/b.exe?c",
        "status_code": "200",
        "c-uri-extension": "exe",
        "response_body_len": "5",
    }.items() <= fields(request).items()
    assert request["uid"] == event["uid"]


def vlan(packet: bytes) -> bytes:
    return made.MAC + b"\x88\xa8\0\x05\x81\0\0\x06\x08\0" + packet


def over(name: str, packet: bytes) -> tuple[bytes, int]:
    """The packet in a frame of some kind, and the link type."""
    inner = made.ethernet(packet)
    teredo = made.ip(made.tcp(), source="2001:db8::1", target="2001:db8::2")
    kinds = {
        "VLAN twice": (vlan(packet), 1),
        "PPPoE": (made.MAC + b"\x88\x64\x11\0\0\x01" + (len(packet) + 2).to_bytes(2) + b"\0\x21" + packet, 1),
        "MPLS": (made.MAC + b"\x88\x47\0\0\x10\x40\0\0\x21\x40" + packet, 1),
        "MPLS with Ethernet": (made.MAC + b"\x88\x47\0\0\x21\x40\0\0\0\0" + inner, 1),
        "LLC": (made.MAC + (len(packet) + 8).to_bytes(2) + b"\xaa\xaa\x03\0\0\0\x08\0" + packet, 1),
        "raw": (packet, 101), "raw 4": (packet, 228), "null": (b"\x02\0\0\0" + packet, 0), "loop": (b"\0\0\0\x02" + packet, 108),
        "PPP": (b"\xff\x03\0\x21" + packet, 9), "HDLC": (b"\x0f\0\x08\0" + packet, 104),
        "cooked": (bytes(14) + b"\x08\0" + packet, 113), "cooked 2": (b"\x08\0" + bytes(18) + packet, 276),
        "GRE": (made.ethernet(made.ip(b"\0\0\x08\0" + packet, 47, "203.0.113.1", "203.0.113.2")), 1),
        "GRE with a key and Ethernet": (made.ethernet(made.ip(b"\x20\0\x65\x58\0\0\0\x01" + inner, 47, "203.0.113.1", "203.0.113.2")), 1),
        "IP in IP": (made.ethernet(made.ip(packet, 4, "203.0.113.1", "203.0.113.2")), 1),
        "IP in IPv6": (made.ethernet(made.ip(packet, 4, "2001:db8::5", "2001:db8::6")), 1),
        "VXLAN": (made.ethernet(made.ip(made.udp(b"\x08\0\0\0\0\0\x01\0" + inner, 5, 4789), 17, "203.0.113.1", "203.0.113.2")), 1),
        "Teredo": (made.ethernet(made.ip(made.udp(b"\0\0" + bytes(6) + teredo, 5, 3544), 17, "203.0.113.1", "203.0.113.2")), 1),
    }  # fmt: skip
    return kinds[name]


@pytest.mark.parametrize("name", ["VLAN twice", "PPPoE", "MPLS", "MPLS with Ethernet", "LLC", "raw", "raw 4", "null", "loop", "PPP", "HDLC",
                                  "cooked", "cooked 2", "GRE", "GRE with a key and Ethernet", "IP in IP", "IP in IPv6", "VXLAN", "Teredo"])  # fmt: skip
def test_frames_and_tunnels(name: str) -> None:
    frame, link = over(name, made.ip(made.tcp(b"data", 5)))
    found = read(source, made.pcap([frame], link))
    addresses = {event["id.orig_h"] for event in found.of("flow")}
    assert ("2001:db8::1" if name == "Teredo" else "10.0.0.1") in addresses
    for cut in range(len(frame)):
        read(source, made.pcap([frame[:cut]], link))


def test_a_link_type_that_is_not_read() -> None:
    for link, named in ((249, "249 (USB)"), (250, "250")):
        found = read(source, made.pcap([b"x" * 60] * 3, link))
        assert found.events == []
        assert [(reject["reason"], reject["count"]) for reject in found.rejects] == [
            (f"packets of link type {named}, which is not read", 3)
        ]


def test_ipv6_with_extensions() -> None:
    body = b"\x3c\0" + bytes(6) + b"\x06\0" + bytes(6) + made.tcp(b"data", 5)
    packet = made.ip(body, 0, "2001:db8::1", "2001:db8::2")
    flow = the_flow(captured([packet]))
    assert {"id.orig_h": "2001:db8::1", "id.resp_p": "443", "orig_bytes": "4"}.items() <= flow.items()


@pytest.mark.parametrize(("number", "head"), [(4, b""), (47, b"\0\0\x08\0")])
def test_a_tunnel_is_a_flow_and_so_is_what_is_in_it(number: int, head: bytes) -> None:
    inner = head + made.ip(made.udp(b"hello", 1000, 2000), 17)
    found = captured([made.ip(inner, number, "203.0.113.1", "203.0.113.2"), made.ip(head + b"?", number)])
    assert {(f["id.orig_h"], f["proto"], f["orig_bytes"]) for f in map(fields, found.of("flow"))} == {
        ("203.0.113.1", f"ip-{number}", str(len(inner))), ("10.0.0.1", "udp", "5"), ("10.0.0.1", f"ip-{number}", str(len(head) + 1)),
    }  # fmt: skip


def test_a_connection_whose_beginning_is_missing_does_not_end_soon_after_its_close() -> None:
    frames = [made.ethernet(made.ip(made.tcp(b"x", 5, flags))) for flags in (made.ACK, made.RST, made.ACK)]
    assert len(read(source, made.pcap(frames, step=20_000_000)).of("flow")) == 1
    begun = made.ethernet(made.ip(made.tcp(b"", 4, made.SYN)))
    assert len(read(source, made.pcap([begun, *frames], step=20_000_000)).of("flow")) == 2


def test_fragments_in_any_order() -> None:
    whole = made.udp(b"a" * 40, 40000, 4000)
    pieces = [(0, 0x2000, whole[:24]), (24, 0x2000, whole[24:32]), (32, 0, whole[32:])]
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        packets = [made.ip(pieces[n][2], 17, place=pieces[n][1] | pieces[n][0] // 8) for n in order]
        assert the_flow(captured(packets))["orig_bytes"] == "40"
    six = [(0, 1, whole[:24]), (24, 0, whole[24:])]
    packets = [
        made.ip(struct.pack("!BBHI", 17, 0, offset | more, 9) + data, 44, "2001:db8::1", "2001:db8::2")
        for offset, more, data in six
    ]
    assert the_flow(captured(packets))["orig_bytes"] == "40"


def test_of_fragments_that_overlap_the_first_wins() -> None:
    fragments = Fragments()
    assert fragments.add(b"k", 0, True, b"aaaaaaaa") is None
    assert fragments.add(b"k", 4, False, b"bbbbbbbb") == b"aaaaaaaabbbb"
    assert fragments.add(b"k", 65000, False, b"x" * 9000) is None
    for number in range(MAX_WAITING + 5):
        fragments.add(str(number).encode(), 0, True, b"x")
    assert fragments.lost == 6


@given(st.randoms(), st.integers(1, 60), st.integers(0, 0xFFFFFFFF))
@settings(deadline=None, max_examples=60)
def test_segments_in_any_order_give_the_bytes_in_theirs(chance: random.Random, size: int, start: int) -> None:
    text = bytes(range(256)) * 2
    half = flows.Half()
    half.next = start
    pieces = [(at, text[at : at + size + chance.randrange(5)]) for at in range(0, 200, size)]
    pieces += [(at, text[at : at + size]) for at in chance.sample(range(200), 3)]  # again, and across others
    windows = [pieces[n : n + 8] for n in range(0, len(pieces), 8)]
    for window in windows:
        chance.shuffle(window)
        for at, data in window:
            half.segment((start + at) & 0xFFFFFFFF, data)
    assert text.startswith(bytes(half.head))
    assert len(half.head) >= 200


def test_of_segments_that_overlap_the_first_wins() -> None:
    half = flows.Half()
    for sequence, data in ((10, b"AAAA"), (12, b"bbbb"), (18, b"DDDD"), (16, b"cccc")):
        half.segment(sequence, data)
    assert bytes(half.head) == b"AAAAbbccccDD"


def test_a_gap_that_is_never_filled_keeps_what_came_before() -> None:
    half = flows.Half()
    half.segment(0, b"begin")
    for number in range(100):
        half.segment(1000 + number * 10, b"x" * 10)
    assert bytes(half.head) == b"begin"
    assert half.full
    assert half.pending is None


def test_tls_over_several_segments_out_of_order() -> None:
    packets = made.talk(made.hello(size=6000), made.server_hello(), size=1000)
    packets[3], packets[5] = packets[5], packets[3]
    found = captured(packets)
    (said,) = found.of("tls")
    assert {
        "server_name": "x.example",
        "version": "TLSv12",
        "ja4": hello.ja4(hello.hello(tls.messages(made.hello(size=6000))[0][1], True)),
    }.items() <= fields(said).items()
    assert the_flow(found)["service"] == "ssl"


def values(folder: str) -> list[dict[str, Any]]:
    path = DATA / "suricata-verify" / folder
    files = sorted(path.glob("*.pcap*")) if path.exists() else []
    if not files:
        pytest.skip(f"no {path}")
    return [fields(event) for event in read(source, files[0].read_bytes()).events]


def test_ja4_of_a_published_capture() -> None:
    assert "t13d1516h2_8daaf6152771_e5627efa2ab1" in {event.get("ja4") for event in values("ja4-rules")}


def test_hassh_of_a_published_capture() -> None:
    found = values("ssh-hassh")
    assert {"2dd6531c7e89d3c925db9214711be76a"} <= {event.get("hassh") for event in found}
    assert {"6832f1ce43d4397c2c0a3e2f8c94334e"} <= {event.get("hasshServer") for event in found}


def test_community_id() -> None:
    key = bytes([128, 232, 110, 120, 66, 35, 250, 204]) + (34855).to_bytes(2) + (80).to_bytes(2) + b"\x06"
    other = key[4:8] + key[:4] + key[10:12] + key[8:10] + key[12:]
    assert connection.community_id(key) == connection.community_id(other) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg="


def test_names_are_asked_and_answered() -> None:
    there = [
        made.ip(made.udp(made.question()), 17),
        made.ip(made.udp(made.question("never.x.example", 8)), 17),
    ]
    back = made.ip(made.udp(made.answer(), 53, 40000), 17, "192.0.2.7", "10.0.0.1")
    found = captured([there[0], there[1], back])
    asked, never = found.of("dns")
    if asked["query"] != "www.x.example":
        asked, never = never, asked
    assert {
        "query": "www.x.example",
        "answers": ["192.0.2.9"],
        "rtt": "0.002000",
        "rcode_name": "NOERROR",
        "record_type": "A",
        "id.orig_h": "10.0.0.1",
    }.items() <= fields(asked).items()
    assert "rcode" not in never
    assert the_flow(found)["service"] == "dns"


def test_a_name_that_points_to_itself() -> None:
    assert dns.parse(made.question()[:12] + b"\xc0\x0c\0\x01\0\x01") is None
    assert dns.parse(b"\0" * 5) is None


@pytest.mark.parametrize(
    ("near", "far", "expected"),
    [(2, 0, "S0"), (2, 4, "REJ"), (2 | 4, 0, "RSTOS0"), (3, 0, "SH"), (2 | 16, 2 | 16, "S1"), (3, 3, "SF"), (3, 2, "S2"), (2, 3, "S3"),
     (6, 2, "RSTO"), (2, 6, "RSTR"), (16, 16, "OTH"), (0, 18, "SHR")],
)  # fmt: skip
def test_states_in_zeek_s_words(near: int, far: int, expected: str) -> None:
    flow = flows.Flow(bytes(12) + b"\x06", 6, 0, 1)
    flow.halves[0].flags, flow.halves[1].flags = near, far
    assert connection.state(flow) == expected


def test_who_answers_did_not_begin() -> None:
    flow = the_flow(
        captured(
            [
                made.ip(
                    made.tcp(b"", 1, made.SYN | made.ACK, 443, 40000), source="192.0.2.7", target="10.0.0.1"
                )
            ]
        )
    )
    assert {
        "id.orig_h": "10.0.0.1",
        "id.resp_p": "443",
        "resp_pkts": "1",
        "conn_state": "SHR",
    }.items() <= flow.items()


def test_a_new_connection_over_the_same_ports() -> None:
    assert len(captured(made.talk(b"one") + made.talk(b"two")).of("flow")) == 2


def test_an_echo_and_its_reply_are_one_flow() -> None:
    ask = made.ip(b"\x08\0\0\0\0\x01\0\x01" + b"data", 1)
    reply = made.ip(b"\0\0\0\0\0\x01\0\x01" + b"data", 1, "192.0.2.7", "10.0.0.1")
    flow = the_flow(captured([ask, reply]))
    assert {
        "proto": "icmp",
        "id.orig_p": "8",
        "orig_bytes": "4",
        "resp_bytes": "4",
        "orig_pkts": "1",
        "resp_pkts": "1",
    }.items() <= flow.items()


def test_first_bytes_are_carried_for_what_nothing_here_reads() -> None:
    message = rat_messages.redleaves()
    flow = the_flow(captured(made.talk(message, port=995, size=12)))
    assert base64.b64decode(flow["orig_first_bytes"]) == message
    assert flow["orig_first_sizes"].startswith("12,12")


def test_a_capture_that_is_cut_anywhere() -> None:
    frames = [made.ethernet(packet) for packet in made.talk(ASK, SAY, 80)]
    for data in (made.pcap(frames), made.pcapng(frames)):
        whole = len(read(source, data).of("flow"))
        for at in range(0, len(data), 7):
            found = read(source, data[:at])
            assert len(found.of("flow")) <= whole
        assert [reason for reason in read(source, data[:-3]).reasons if "cut" in reason]


def test_numbers_that_cannot_be() -> None:
    good = made.pcap([made.ethernet(made.ip(made.tcp()))])
    huge = good + struct.pack("<IIII", 1, 1, 1 << 30, 1 << 30) + bytes(100)
    found = read(source, huge)
    assert len(found.of("flow")) == 1
    assert "packet of 1073741824 bytes" in found.rejects[0]["reason"]
    block = made.pcapng([made.ethernet(made.ip(made.tcp()))]) + struct.pack("<II", 6, 13) + bytes(100)
    assert len(read(source, block).of("flow")) == 1
    strange = made.pcapng([], link=1) + made.block(6, struct.pack("<IIIII", 9, 0, 0, 0, 0))
    assert "interface that was not described" in read(source, strange).rejects[0]["reason"]
    frame = made.ethernet(made.ip(made.tcp()))
    seconds = struct.pack("<HHIHHBxxx", 1, 0, 0, 9, 1, 0)  # an interface that counts seconds
    late = struct.pack("<IIIII", 0, 1 << 31, 0, len(frame), len(frame)) + frame + bytes(-len(frame) % 4)
    beyond = made.pcapng([]) + made.block(1, seconds) + made.block(6, b"\1\0\0\0" + late[4:])
    found = read(source, beyond)
    assert "whose time no calendar has" in found.rejects[0]["reason"]
    assert len(found.of("flow")) == 1


def test_a_clock_that_goes_back() -> None:
    frames = [made.ethernet(packet) for packet in made.talk(b"x")]
    flow = the_flow(read(source, made.pcap(frames, step=-1_000_000)))
    assert float(flow["duration"]) >= 0


def test_memory_is_bounded_whatever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "MAX_FLOWS", 100)
    monkeypatch.setattr(engines, "MAX_HEADS", 10_000)
    monkeypatch.setattr(engines, "STRIDE", 64)
    over: list[flows.Flow] = []
    engine = Engine(over.append)
    most = 0
    for number in range(5000):
        data = made.ethernet(made.ip(made.tcp(b"x" * 500, 1, source=number + 1)))
        engine.add(Packet(made.START + number, 1, data, 0, len(data)))
        most = max(most, len(engine._flows))
    for _ in engine.finish():
        pass
    assert most <= 200
    assert len(over) == 5000
    assert len({flow.key for flow in over}) == 5000


def test_a_flow_without_end_holds_but_its_beginning() -> None:
    over: list[flows.Flow] = []
    engine = Engine(over.append)
    for number in range(3000):
        data = made.ethernet(made.ip(made.tcp(b"x" * 1000, number * 1000)))
        engine.add(Packet(made.START + number, 1, data, 0, len(data)))
    list(engine.finish())
    (flow,) = over
    assert flow.halves[0].payload == 3_000_000
    assert len(flow.halves[0].head) == flows.SHORT


def plain(packets: list[bytes]) -> Counter[tuple[Any, ...]]:
    """Packets and bytes by addresses, ports and protocol, counted without any of the engine's ways."""
    counted: Counter[tuple[Any, ...]] = Counter()
    for packet in packets:
        header = (packet[0] & 15) * 4
        ports = struct.unpack_from("!HH", packet, header)
        key = (packet[12:16], ports[0], packet[16:20], ports[1], packet[9])
        start = header + ((packet[header + 12] >> 4) * 4 if packet[9] == 6 else 8)
        counted[*key, "packets"] += 1
        counted[*key, "bytes"] += len(packet) - start
    return counted


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 2),
            st.booleans(),
            st.integers(0, 40),
            st.booleans(),
            st.booleans(),
        ),
        max_size=60,
    )
)
@settings(deadline=None, max_examples=60)
def test_the_engine_counts_as_the_plain_one(chosen: list[tuple[int, int, bool, int, bool, bool]]) -> None:
    packets, frames = [], []
    for number, (near, far, is_tcp, size, back, slow) in enumerate(chosen):
        data = b"d" * size
        ends = {"source": f"10.0.0.{near}", "target": f"192.0.2.{far}"}
        ports = (443, 1000) if back else (1000, 443)
        if back:
            ends = {"source": ends["target"], "target": ends["source"]}
        body = made.tcp(data, number, made.ACK, *ports) if is_tcp else made.udp(data, *ports)
        packet = made.ip(body, 6 if is_tcp else 17, **ends)
        packets.append(packet)
        frames.append(vlan(packet) if slow else made.ethernet(packet))
    over: list[flows.Flow] = []
    engine = Engine(over.append)
    for number, frame in enumerate(frames):
        engine.add(Packet(made.START + number, 1, frame, 0, len(frame)))
    list(engine.finish())
    counted: Counter[tuple[Any, ...]] = Counter()
    for flow in over:
        one, two, ports = flow.key[:4], flow.key[4:8], struct.unpack("!HH", flow.key[8:12])
        for half, key in zip(
            flow.halves, ((one, ports[0], two, ports[1]), (two, ports[1], one, ports[0])), strict=True
        ):
            counted[*key, flow.protocol, "packets"] += half.packets
            counted[*key, flow.protocol, "bytes"] += half.payload
    assert +counted == +plain(packets)


def test_what_a_capture_cut_counts_and_is_no_part_of_what_is_read() -> None:
    frames = [made.ethernet(packet)[:96] for packet in made.talk(b"a" * 3000, b"b" * 2000, 80, size=1000)]
    flow = the_flow(read(source, made.pcap(frames)))
    assert {"orig_bytes": "3000", "resp_bytes": "2000", "orig_ip_bytes": "3200"}.items() <= flow.items()
    assert base64.b64decode(flow["orig_first_bytes"]) == b"a" * 42  # up to where the first of them is cut


def test_evasive_segments() -> None:
    """Where segments overlap the first that came wins: what was read stands, whatever comes later."""
    begin = made.ip(made.tcp(b"", 99, made.SYN, target=80))
    parts = [
        (100, b"GET /good HT"),
        (104, b"/evil"),
        (112, b"TP/1.1\r\nHost: x\r\n\r\n"),
        (100, b"GET /evil HT"),
    ]
    found = captured([begin, *(made.ip(made.tcp(data, at, target=80)) for at, data in parts)])
    assert [one["uri"] for one in found.of("http")] == ["/good"]
