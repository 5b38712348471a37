"""What the beginning of a connection says of its ends: the stack that sent the SYN, and two distances."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_writer import ACK, SYN, ethernet, ip, pcap, tcp
from kazami.model.event import Route
from kazami.model.evidence import Evidence
from kazami.sources.network.capture import handshake, source
from kazami.sources.network.capture.flow import Half

BSD = bytes.fromhex("020405b4" + "01030306" + "0101080a0000000700000000" + "04020000")
LINUX = bytes.fromhex("020405b40402080a0000000100000000" + "01030307")
WINDOWS = bytes.fromhex("020405b4" + "0103030801010402")


def syn(options: bytes, alive: int = 64, window: int = 64240, flags: int = SYN, version: int = 4) -> bytes:
    head = (
        struct.pack("!HHIIBBHHH", 40000, 443, 99, 0, (20 + len(options)) // 4 << 4, flags, window, 0, 0)
        + options
    )
    if version == 6:
        packet = bytearray(ip(head, source="2001:db8::1", target="2001:db8::2"))
        packet[7] = alive
    else:
        packet = bytearray(ip(head))
        packet[8] = alive
    return bytes(packet)


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (syn(LINUX), "64:64240:1460:7:MSTNW"),
        (syn(WINDOWS, 119, 65535), "119:65535:1460:8:MNWNNS"),
        (syn(WINDOWS, 119, 65535, version=6), "119:65535:1460:8:MNWNNS"),
        (syn(BSD, 64, 65535), "64:65535:1460:6:MNWNNTSE"),
        (syn(b""), "64:64240:0:-1:"),
        (syn(b"\x02\x00\x00\x00"), "64:64240:0:-1:M"),
        (syn(b"\x05\xff\x00\x00"), "64:64240:0:-1:?"),
        (b"", ""),
        (syn(LINUX)[:30], ""),
    ],
)
def test_signatures(packet: bytes, expected: str) -> None:
    assert handshake.signature(packet) == expected


@given(
    st.sampled_from([LINUX, BSD, WINDOWS]),
    st.integers(0, 40),
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 255)), max_size=6),
)
def test_the_time_of_a_stack_says_nothing_of_it(
    options: bytes, cut: int, changed: list[tuple[int, int]]
) -> None:
    """What is left of options without their time gives the same signature, however they are damaged."""
    damaged = bytearray(options[:cut])
    for place, byte in changed:
        if place < len(damaged):
            damaged[place] = byte
    assert handshake._options(handshake._untimed(bytes(damaged))) == handshake._options(bytes(damaged))


@given(st.binary(max_size=80))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    assert isinstance(handshake.signature(data), str)
    assert isinstance(handshake.signature(b"\x45" + data), str)


def half(*times: int) -> Half:
    made = Half()
    made.marks = [(number, time) for number, time in enumerate(times)]
    return made


@pytest.mark.parametrize(
    ("near", "far", "expected"),
    [
        ((10, 500), (100, 150), 350),  # from the last piece of the far side's flight
        ((10, 500, 600), (100, 550), 400),
        ((10,), (100,), None),  # it never answered
        ((100,), (10,), None),  # the far side spoke first
        ((), (), None),
        ((10, 20_000_000), (100,), None),  # somebody thought about it
    ],
)
def test_answers(near: tuple[int, ...], far: tuple[int, ...], expected: int | None) -> None:
    assert handshake.answered(half(*near), half(*far)) == expected


def test_a_capture_says_it_in_the_flow() -> None:
    back = {"source": "192.0.2.7", "target": "10.0.0.1"}
    packets = [
        syn(LINUX),
        ip(tcp(b"", 499, SYN | ACK, 443, 40000), **back),
        ip(tcp(b"", 100)),
        ip(tcp(b"hello", 100)),
        ip(tcp(b"answer", 500, ACK, 443, 40000), **back),
        ip(tcp(b"again", 105)),
    ]
    content = pcap(map(ethernet, packets), step=20_000)
    evidence = Evidence("a.pcap", "e" * 16, "t", len(content), lambda: io.BytesIO(content))
    (flow,) = [
        one for batch in source.read(evidence) if Route.of(batch).table == "flow" for one in batch.to_pylist()
    ]
    assert flow["orig_syn"] == "64:64240:1460:7:MSTNW"
    assert (flow["orig_rtt"], flow["orig_answer"]) == ("0.020000", "0.020000")
