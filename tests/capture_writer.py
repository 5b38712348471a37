"""Frames and captures, written for tests."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import ip_address

SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8
MAC = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02"
START = 1_700_000_000_000_000  # microseconds


def ip(
    payload: bytes,
    protocol: int = 6,
    source: str = "10.0.0.1",
    target: str = "192.0.2.7",
    place: int = 0,
    number: int = 1,
) -> bytes:
    """An IP packet of the version that its addresses have; `place` are flags and offset of a fragment (version 4)."""
    near, far = ip_address(source).packed, ip_address(target).packed
    if len(near) == 16:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + near + far + payload
    return (
        struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), number, place, 64, protocol, 0)
        + near
        + far
        + payload
    )


def tcp(
    data: bytes = b"", sequence: int = 0, flags: int = ACK, source: int = 40000, target: int = 443
) -> bytes:
    return (
        struct.pack("!HHIIBBHHH", source, target, sequence & 0xFFFFFFFF, 0, 5 << 4, flags, 1024, 0, 0) + data
    )


def udp(data: bytes, source: int = 40000, target: int = 53) -> bytes:
    return struct.pack("!HHHH", source, target, 8 + len(data), 0) + data


def ethernet(packet: bytes, kind: int | None = None) -> bytes:
    if kind is None:
        kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    return MAC + kind.to_bytes(2) + packet


def talk(client: bytes, server: bytes = b"", port: int = 443, size: int = 100, **where: str) -> list[bytes]:
    """The packets of a whole TCP connection; both sides' bytes in pieces of `size`."""
    there = {"source": where.get("source", "10.0.0.1"), "target": where.get("target", "192.0.2.7")}
    back = {"source": there["target"], "target": there["source"]}
    packets = [ip(tcp(b"", 99, SYN, target=port), **there), ip(tcp(b"", 499, SYN | ACK, port, 40000), **back)]
    packets += [
        ip(tcp(client[at : at + size], 100 + at, target=port), **there) for at in range(0, len(client), size)
    ]
    packets += [
        ip(tcp(server[at : at + size], 500 + at, ACK, port, 40000), **back)
        for at in range(0, len(server), size)
    ]
    packets.append(ip(tcp(b"", 100 + len(client), FIN | ACK, target=port), **there))
    packets.append(ip(tcp(b"", 500 + len(server), FIN | ACK, port, 40000), **back))
    return packets


def pcap(
    frames: Iterable[bytes], link: int = 1, order: str = "<", nano: bool = False, step: int = 1000
) -> bytes:
    """A pcap file, a packet every `step` microseconds."""
    data = struct.pack(f"{order}IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    for number, frame in enumerate(frames):
        seconds, micros = divmod(START + number * step, 1_000_000)
        data += (
            struct.pack(f"{order}IIII", seconds, micros * (1000 if nano else 1), len(frame), len(frame))
            + frame
        )
    return data


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def pcapng(frames: Iterable[bytes], link: int = 1, order: str = "<", nano: bool = False) -> bytes:
    """A pcapng file with one interface."""
    data = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    options = struct.pack(f"{order}HHBxxxHH", 9, 1, 9, 0, 0) if nano else b""
    data += block(1, struct.pack(f"{order}HHI", link, 0, 0) + options, order)
    for number, frame in enumerate(frames):
        time = (START + number * 1000) * (1000 if nano else 1)
        body = struct.pack(f"{order}IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(frame), len(frame)) + frame
        data += block(6, body, order)
    return data


def hello(name: str = "x.example", size: int = 0) -> bytes:
    """A client's hello of TLS in one record, with a padding extension of `size` bytes."""
    label = name.encode()
    extensions = struct.pack("!HHHBH", 0, len(label) + 5, len(label) + 3, 0, len(label)) + label
    extensions += struct.pack("!HHHHH", 10, 6, 4, 29, 23) + struct.pack("!HHBB", 11, 2, 1, 0)
    extensions += struct.pack("!HHHHH", 13, 6, 4, 0x0403, 0x0804) + struct.pack("!HHHB2s", 16, 5, 3, 2, b"h2")
    extensions += struct.pack("!HHBHH", 43, 5, 4, 0x0304, 0x0303) + struct.pack("!HH", 0x0A0A, 0)
    if size:
        extensions += struct.pack("!HH", 21, size) + bytes(size)
    body = b"\x03\x03" + bytes(32) + b"\0" + struct.pack("!HHHH", 6, 0x1A1A, 0x1301, 0xC02F) + b"\x01\0"
    body += struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


def server_hello() -> bytes:
    body = b"\x03\x03" + bytes(32) + b"\0" + struct.pack("!HBH", 0xC02F, 0, 4) + struct.pack("!HH", 23, 0)
    message = b"\x02" + len(body).to_bytes(3) + body
    return b"\x16\x03\x03" + struct.pack("!H", len(message)) + message


def question(name: str = "www.x.example", number: int = 7, kind: int = 1) -> bytes:
    labels = b"".join(bytes((len(part),)) + part.encode() for part in name.split(".")) + b"\0"
    return struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!HH", kind, 1)


def answer(name: str = "www.x.example", number: int = 7, address: str = "192.0.2.9") -> bytes:
    asked = question(name, number)[12:]
    body = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + ip_address(address).packed
    return struct.pack("!HHHHHH", number, 0x8180, 1, 1, 0, 0) + asked + body
