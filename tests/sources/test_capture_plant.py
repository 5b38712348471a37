"""What controls machines (Modbus, DNP3), HTTP/2 in clear, and protocols that are told by name only."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hpack import Encoder
from hypothesis import given, settings
from hypothesis import strategies as st
from reads import fields, read

import capture_writer as made
from kazami.sources.network.capture import source
from kazami.sources.network.capture.application import http2, plain, talk


def said(
    client: bytes, server: bytes = b"", port: int = 40000
) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    return talk.stream(talk.Talk(client, server, port))


def modbus(number: int, function: int, body: bytes, unit: int = 1) -> bytes:
    return struct.pack("!HHHBB", number, 0, len(body) + 2, unit, function) + body


ASKED = modbus(7, 3, b"\0\x10\0\x02") + modbus(8, 5, b"\0\x05\xff\0") + modbus(9, 90, b"\0\x02")
ANSWERED = modbus(7, 3, b"\x04\0\1\0\2") + modbus(8, 0x85, b"\x02") + modbus(9, 90, b"\0\xfe")


def test_modbus() -> None:
    service, records = said(ASKED, ANSWERED)
    assert service == "modbus"
    assert [(log, one["func"], one.get("address"), one.get("exception"), one["tid"], one["#at"]) for log, one in records] == [
        ("modbus", "READ_HOLDING_REGISTERS", 16, None, 7, 0), ("modbus", "WRITE_SINGLE_COIL", 5, "ILLEGAL_DATA_ADDRESS", 8, 12),
        ("modbus", "PROGRAM_UNITY", None, None, 9, 24),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("client", "server", "port"),
    [
        (ASKED, b"", 40000),  # alone, and not on its port
        (ASKED, modbus(6, 3, b"\x02\0\1"), 40000),  # another number
        (ASKED, modbus(7, 4, b"\x02\0\1"), 40000),  # another function
        (ASKED[:2] + b"\0\1" + ASKED[4:], ANSWERED, 502),  # another protocol
        (ASKED[:9], b"", 502),  # cut
        (modbus(7, 99, b"\0\0"), b"", 502),  # no function of it
    ],
)
def test_what_is_no_modbus(client: bytes, server: bytes, port: int) -> None:
    assert said(client, server, port)[0] != "modbus"


def test_modbus_in_a_capture() -> None:
    frames = [made.ethernet(packet) for packet in made.talk(ASKED, ANSWERED, 502)]
    found = read(source, made.pcap(frames))
    (flow,) = found.of("flow")
    assert flow["service"] == "modbus"
    assert [fields(event)["func"] for event in found.of("zeek.modbus")][:2] == [
        "READ_HOLDING_REGISTERS",
        "WRITE_SINGLE_COIL",
    ]
    assert all(event["uid"] == flow["uid"] for event in found.of("zeek.modbus"))


def dnp3(master: bool, sequence: int, function: int, body: bytes = b"", station: int = 10) -> bytes:
    user = bytes((0xC0, 0xC0 | sequence, function)) + body
    near, far = (station, 1) if master else (1, station)
    link = struct.pack("<BBBBHH", 5, 0x64, len(user) + 5, 0xC4 if master else 0x44, near, far) + b"??"
    return link + b"".join(user[at : at + 16] + b"??" for at in range(0, len(user), 16))


def test_dnp3() -> None:
    client = dnp3(True, 1, 1, b"<" * 40) + dnp3(True, 2, 5, b"\x0c\1") + dnp3(True, 3, 13)
    server = (
        dnp3(False, 1, 0x81, b"\x90\0" + b"x" * 60)
        + dnp3(False, 0, 0x82, b"\0\1")
        + dnp3(False, 2, 0x81, b"\0\x04")
    )
    service, records = said(client, server)
    assert service == "dnp3_tcp"
    assert [(one.get("fc_request"), one.get("fc_reply"), one.get("iin"), one["station"]) for _, one in records] == [
        ("READ", "RESPONSE", 0x9000, 10), ("DIRECT_OPERATE", "RESPONSE", 4, 10), ("COLD_RESTART", None, None, 10), (None, "UNSOLICITED_RESPONSE", 1, 10),
    ]  # fmt: skip


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def requests() -> tuple[bytes, bytes]:
    """Two requests of one connection, the second in two pieces, with padding and priority; and their answers."""
    near, far = Encoder(), Encoder()
    first = near.encode(
        [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "x.example"),
            (":path", "/a?b"),
            ("user-agent", "curl/8"),
        ]
    )
    second = near.encode(
        [
            (":method", "POST"),
            (":authority", "x.example"),
            (":path", "/c"),
            ("user-agent", "curl/8"),
            ("cookie", "d=" + "e" * 50),
        ]
    )
    client = http2.PREFACE + frame(4, 0, 0, b"") + frame(1, 5, 1, first)
    client += (
        frame(1, 0x28, 3, b"\x02" + bytes(5) + second[:9] + b"??")
        + frame(9, 4, 3, second[9:])
        + frame(0, 1, 3, b"body")
    )
    server = (
        frame(4, 0, 0, b"")
        + frame(1, 4, 3, far.encode([(":status", "100")]))
        + frame(1, 4, 3, far.encode([(":status", "404")]))
    )
    return client, server + frame(1, 4, 1, far.encode([(":status", "200"), ("server", "y")]))


def test_http2_in_clear() -> None:
    client, server = requests()
    frames = [made.ethernet(packet) for packet in made.talk(client, server, 8080)]
    found = read(source, made.pcap(frames))
    first, second = (fields(event) for event in found.of("http"))
    assert {
        "method": "GET",
        "host_": "x.example",
        "uri": "/a?b",
        "user_agent": "curl/8",
        "status_code": "200",
        "version": "2",
        "c-uri": "http://x.example:8080/a?b",
    }.items() <= first.items()
    assert {
        "method": "POST",
        "uri": "/c",
        "user_agent": "curl/8",
        "status_code": "404",
        "cookie": "d=" + "e" * 50,
    }.items() <= second.items()
    for cut in range(len(client)):
        assert len(http2.parse(client[:cut], server[:cut])) <= 2


def test_headers_that_are_too_much_end_what_is_read() -> None:
    block = Encoder().encode([("x", "y" * 4000)]) + b"\xbe" * 60_000  # the same header again and again
    assert http2.parse(http2.PREFACE + frame(1, 4, 1, block[:30_000]) + requests()[0][33:], b"") == []


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=80))
def test_anything_may_come(client: bytes, server: bytes) -> None:
    for begin in (
        b"",
        http2.PREFACE,
        b"\x05\x64",
        b"\0\1\0\0\0\x06\1\3",
        http2.PREFACE + frame(1, 4, 1, client[:60]),
    ):
        said(begin + client, server, 502)
    talk.datagrams(talk.Talk(client, server, 123, ([len(client)], [len(server)])))


TCP = {
    "mqtt": b"\x10\x1e\0\x04MQTT\x04\x02\0\x3c\0\x05agent",
    "sip": b"REGISTER sip:x.example SIP/2.0\r\nVia: y\r\n",
    "iec104": b"\x68\x04\x07\0\0\0",
    "s7comm": b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02",
    "enip": b"\x65\0\x04\0" + bytes(4) + bytes(4) + bytes(8) + bytes(4) + b"\1\0\0\0",
    "ldap_tcp": b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0",
    "postgresql": b"\0\0\0\x08\x04\xd2\x16\x2f",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "bittorrent": b"\x13BitTorrent protocol" + bytes(48),
}


@pytest.mark.parametrize("name", TCP)
def test_names_of_connections(name: str) -> None:
    assert said(TCP[name], b"????") == (name, [])


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("mysql", b"\x4a\0\0\0\x0a8.0.36\0????"),
        ("rfb", b"RFB 003.008\n"),
        ("imap", b"* OK hello\r\n"),
        ("pop3", b"+OK hello\r\n"),
    ],
)
def test_names_by_greetings(name: str, greeting: bytes) -> None:
    assert said(b"????", greeting) == (name, [])


@pytest.mark.parametrize(
    ("name", "data", "port"),
    [
        ("sip", b"INVITE sip:a@b SIP/2.0\r\n", 5099), ("snmp", b"\x30\x26\x02\x01\x01\x04\x06public", 161), ("ntp", b"\x23" + bytes(47), 123), ("", b"\x23" + bytes(47), 40000),
        ("dhcp", b"\x01\x01\x06" + bytes(233) + b"\x63\x82\x53\x63\x35", 67), ("stun", b"\0\x01\0\0\x21\x12\xa4\x42" + bytes(12), 3478), ("syslog", b"<13>Mar", 514),
        ("tftp", b"\0\x01a.cfg\0octet\0", 69), ("bacnet", b"\x81\x0a\0\x11", 47808), ("", b"hello", 9),
    ],
)  # fmt: skip
def test_names_of_datagrams(name: str, data: bytes, port: int) -> None:
    assert plain.datagrams(data, port) == name


def test_a_controller_of_a_plant_is_no_remote_desktop() -> None:
    assert said(TCP["s7comm"], port=102)[0] == "s7comm"
    assert said(b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0", port=102)[0] == "rdp"
