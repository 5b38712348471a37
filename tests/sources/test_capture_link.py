"""What carries packets in captures: Wi-Fi, firewalls' own link types, tunnels in UDP; and times of pcapng."""

from __future__ import annotations

import struct

import pytest
from reads import Reading, read

import capture_writer as made
from kazami.sources.network.capture import source, tunnel

PACKET = made.ip(made.tcp(b"data", 5))
FRAME = made.ethernet(PACKET)
LLC = b"\xaa\xaa\x03\0\0\0\x08\0" + PACKET


def wifi(kind: int, control: int, more: bytes = b"", payload: bytes = LLC) -> bytes:
    """A frame of 802.11; `more` are the parts of its header that only some have."""
    return bytes((kind, control, 0, 0)) + made.MAC + bytes(6) + b"\x10\0" + more + payload


def radio(frame: bytes, flags: int = 0, stamped: bool = False) -> bytes:
    """Radiotap with its flags, and with two words of what is present and a time if `stamped`."""
    if stamped:
        return b"\0\0\x19\0\x03\0\0\x80\0\0\0\0" + bytes(12) + bytes((flags,)) + frame
    return b"\0\0\x09\0\x02\0\0\0" + bytes((flags,)) + frame


def parts(*payloads: bytes) -> bytes:
    """Frames put together to one (A-MSDU)."""
    whole = b""
    for payload in payloads:
        whole += bytes(-len(whole) % 4) + made.MAC + len(payload).to_bytes(2) + payload
    return whole


LINKS = {
    "bare": (wifi(0x08, 1), 105),
    "quality": (radio(wifi(0x88, 2, b"\0\0")), 127),
    "between access points": (radio(wifi(0x88, 3, bytes(6) + b"\0\0")), 127),
    "high throughput": (radio(wifi(0x88, 0x82, b"\0\0" + bytes(4))), 127),
    "padded": (radio(wifi(0x88, 2, b"\0\0\0\0"), 0x20), 127),
    "padded, with a time": (radio(wifi(0x88, 2, b"\0\0\0\0"), 0x20, stamped=True), 127),
    "put together": (radio(wifi(0x88, 2, b"\x80\0", parts(LLC))), 127),
    "Prism": (struct.pack("<II", 0x44, 144) + bytes(136) + wifi(0x08, 1), 119),
    "AVS": (struct.pack(">II", 0x80211001, 64) + bytes(56) + wifi(0x08, 1), 163),
    "AVS under Prism": (struct.pack(">II", 0x80211001, 64) + bytes(56) + wifi(0x08, 1), 119),
    "PPI": (struct.pack("<BBHI", 0, 0, 8, 105) + wifi(0x08, 1), 192),
    "pflog": (b"\x3d\x02\0\0" + bytes(60) + PACKET, 117),
    "enc": (bytes(12) + PACKET, 109),
    "nflog": (b"\x02\0\0\0\x08\0\x01\0\x08\0\x01\0" + struct.pack("<HH", 4 + len(PACKET), 9) + PACKET, 239),
    "PPP with a direction": (b"\0\xff\x03\0\x21" + PACKET, 204),
    "PPP or HDLC": (b"\xff\x03\0\x21" + PACKET, 50),
    "PPP or HDLC, the other": (b"\x0f\0\x08\0" + PACKET, 50),
    "a security group": (made.MAC + b"\x89\x09\1\1\0\1\0\5\x08\0" + PACKET, 1),
    "VN-Tag": (made.MAC + b"\x89\x26\0\1\0\2\x08\0" + PACKET, 1),
}  # fmt: skip


def addresses(found: Reading) -> set[str]:
    return {event["id.orig_h"] for event in found.of("flow")}


@pytest.mark.parametrize("name", LINKS)
def test_link_types(name: str) -> None:
    frame, link = LINKS[name]
    found = read(source, made.pcap([frame], link))
    assert addresses(found) == {"10.0.0.1"}
    assert not found.rejects
    for cut in range(len(frame)):
        read(source, made.pcap([frame[:cut]], link))


def test_all_frames_that_were_put_together() -> None:
    other = b"\xaa\xaa\x03\0\0\0\x08\0" + made.ip(made.udp(b"x"), 17, "10.0.0.2")
    found = read(source, made.pcap([wifi(0x88, 2, b"\x80\0", parts(LLC + b"?", other))], 105))
    assert addresses(found) == {"10.0.0.1", "10.0.0.2"}


@pytest.mark.parametrize(
    ("frame", "reason", "count"),
    [
        (wifi(0x08, 0x41), "frames of Wi-Fi that are encrypted", 2),
        (wifi(0x80, 0), "packets that are not IP, or cut before they say whose they are", 0),
        (wifi(0x48, 1), "packets that are not IP, or cut before they say whose they are", 0),
        (wifi(0x08, 5), "packets that are not IP, or cut before they say whose they are", 0),
    ],
)
def test_frames_of_wifi_that_say_nothing(frame: bytes, reason: str, count: int) -> None:
    found = read(source, made.pcap([frame] * 2, 105))
    assert not found.events
    assert [(one["reason"], one["count"]) for one in found.rejects] == [(reason, count)]


def in_udp(head: bytes, payload: bytes, port: int) -> bytes:
    return made.ethernet(made.ip(made.udp(head + payload, 5, port), 17, "203.0.113.1", "203.0.113.2"))


def in_ip(head: bytes, payload: bytes, protocol: int) -> bytes:
    return made.ethernet(made.ip(head + payload, protocol, "203.0.113.1", "203.0.113.2"))


TUNNELS = {
    "VXLAN of Linux": in_udp(b"\x08\0\0\0\0\0\x01\0", FRAME, 8472),
    "VXLAN by what it looks like": in_udp(b"\x08\0\0\0\0\0\x01\0", FRAME, 12345),
    "Geneve": in_udp(b"\0\0\x65\x58\0\0\1\0", FRAME, 6081),
    "Geneve with an option, of IP": in_udp(b"\x02\0\x08\0\0\0\1\0" + bytes(8), PACKET, 6081),
    "L2TP": in_udp(b"\0\x02\0\1\0\2", b"\xff\x03\0\x21" + PACKET, 1701),
    "L2TP with all its parts": in_udp(b"\x4a\x02\0\0\0\1\0\2\0\1\0\1\0\2??", b"\0\x21" + PACKET, 1701),
    "GTP": in_udp(b"\x30\xff\0\x50\0\0\0\1", PACKET, 2152),
    "GTP with an extension": in_udp(b"\x34\xff\0\x50\0\0\0\1\0\0\0\x85\1\0\0\0", PACKET, 2152),
    "MPLS": in_udp(b"\0\0\x21\x40", PACKET, 6635),
    "MPLS in IP": in_ip(b"\0\0\x21\x40", PACKET, 137),
    "EtherIP": in_ip(b"\x30\0", FRAME, 97),
    "GRE with everything": in_ip(b"\xb0\0\x08\0" + bytes(12), PACKET, 47),
    "ERSPAN I": in_ip(b"\0\0\x88\xbe", FRAME, 47),
    "ERSPAN II": in_ip(b"\x10\0\x88\xbe\0\0\0\1" + bytes(8), FRAME, 47),
    "ERSPAN III": in_ip(b"\x10\0\x22\xeb\0\0\0\1" + bytes(12), FRAME, 47),
    "ERSPAN III with more": in_ip(b"\x10\0\x22\xeb\0\0\0\1" + bytes(11) + b"\1" + bytes(8), FRAME, 47),
    "authenticated": made.ethernet(made.ip(b"\6\4\0\0" + bytes(20) + made.tcp(b"data"), 51)),
}


@pytest.mark.parametrize("name", TUNNELS)
def test_tunnels(name: str) -> None:
    found = read(source, made.pcap([TUNNELS[name]]))
    assert addresses(found) == {"10.0.0.1"} | ({"203.0.113.1"} if name != "authenticated" else set())
    assert {event["proto"] for event in found.of("flow") if event["id.orig_h"] == "10.0.0.1"} == {"tcp"}
    for cut in range(len(TUNNELS[name])):
        read(source, made.pcap([TUNNELS[name][:cut]]))


@pytest.mark.parametrize(
    ("head", "payload"),
    [
        (b"\x08\0\0\1\0\0\x01\0", FRAME), (b"\x08\0\0\0\0\0\x01\1", FRAME), (b"\x08\0\0\0\0\0\x01\0", FRAME + bytes(47)),
        (b"\x08\0\0\0\0\0\x01\0", FRAME[:-1]), (b"\x08\0\0\0\0\0\x01\0", bytes(60)),
    ],
)  # fmt: skip
def test_what_only_nearly_looks_like_vxlan(head: bytes, payload: bytes) -> None:
    assert addresses(read(source, made.pcap([in_udp(head, payload, 12345)]))) == {"203.0.113.1"}


def test_messages_of_tunnels_that_carry_nothing() -> None:
    for port, message in (
        (1701, b"\xc8\x02\0\x0c\0\1\0\0\0\0\0\0"),
        (2152, b"\x32\1\0\4" + bytes(8)),
        (6081, b"\x40\0\x65\x58" + bytes(4)),
    ):
        assert tunnel.udp(b"\0\1" + port.to_bytes(2), message + FRAME, 0, len(message + FRAME)) == -1


def test_times_of_pcapng_that_are_counted_from_elsewhere() -> None:
    offset = struct.pack("<HHq", 14, 8, 1_700_000_000) + bytes(4)
    data = made.block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += made.block(1, struct.pack("<HHI", 1, 0, 0) + offset)
    data += made.block(6, struct.pack("<IIIII", 0, 0, 5_000_000, len(FRAME), len(FRAME)) + FRAME)
    (flow,) = read(source, data).of("flow")
    assert flow["time"].isoformat() == "2023-11-14T22:13:25+00:00"


def test_packets_without_a_time_are_told_once() -> None:
    data = made.block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += (
        made.block(1, struct.pack("<HHI", 1, 0, 0)) + made.block(3, struct.pack("<I", len(FRAME)) + FRAME) * 2
    )
    found = read(source, data)
    assert len(found.of("flow")) == 1
    assert found.reasons == [
        "byte 48: packets without a time (simple packet blocks): they stand at 1970-01-01"
    ]
