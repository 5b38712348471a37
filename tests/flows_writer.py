"""Datagrams of NetFlow and IPFIX, written for tests."""

from __future__ import annotations

import struct
from ipaddress import ip_address

#: Seconds since 1970 at which the made exporters export, and milliseconds that they are up.
NOW, UPTIME = 1_700_000_000, 600_000


def netflow5(number: int, source: str = "10.0.0.1", target: str = "192.0.2.7") -> bytes:
    """One datagram of version 5 with one flow, from a minute before the export on, of two seconds."""
    header = struct.pack("!HHIIIIBBH", 5, 1, UPTIME, NOW, 0, number, 0, 0, 0)
    first = UPTIME - 60_000
    addresses = ip_address(source).packed + ip_address(target).packed + bytes(4)
    rest = struct.pack(
        "!HHIIIIHHBBBBHHBBH",
        1,
        2,
        10,
        1000 + number,
        first,
        first + 2000,
        40000,
        443,
        0,
        0x1B,
        6,
        0,
        0,
        0,
        24,
        24,
        0,
    )
    return header + addresses + rest


#: Elements of the templates below: number and length.
FIELDS9 = ((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 4), (22, 4), (21, 4))


def netflow9(number: int, template: bool = True, kind: int = 256) -> bytes:
    """One datagram of version 9 with one flow, and the template for it."""
    sets = b""
    if template:
        body = struct.pack("!HH", kind, len(FIELDS9)) + b"".join(struct.pack("!HH", *f) for f in FIELDS9)
        sets += struct.pack("!HH", 0, len(body) + 4) + body
    first = UPTIME - 60_000
    flow = ip_address("10.0.0.1").packed + ip_address("192.0.2.7").packed
    flow += struct.pack("!HHBIIII", 40000, 443, 6, 10, 1000 + number, first, first + 2000)
    flow += bytes(-len(flow) % 4)
    sets += struct.pack("!HH", kind, len(flow) + 4) + flow
    return struct.pack("!HHIIII", 9, 1 + template, UPTIME, NOW, number, 7) + sets


def ipfix(number: int, template: bool = True) -> bytes:
    """One message of IPFIX with one flow over IPv6, a field of an enterprise, and one of variable length."""
    sets = b""
    if template:
        fields = struct.pack("!HHHHHHHHHHHHHH", 27, 16, 28, 16, 7, 2, 11, 2, 4, 1, 1, 8, 152, 8)
        fields += (
            struct.pack("!HH", 153, 8)
            + struct.pack("!HHI", 0x8001, 2, 29305)
            + struct.pack("!HH", 96, 0xFFFF)
        )
        body = struct.pack("!HH", 300, 10) + fields
        sets += struct.pack("!HH", 2, len(body) + 4) + body
    start = (NOW - 60) * 1000
    flow = ip_address("2001:db8::1").packed + ip_address("2001:db8::2").packed
    flow += (
        struct.pack("!HHBQQQ", 40000, 443, 6, 1000 + number, start, start + 2000) + b"\x00\x05" + b"\x03dns"
    )
    sets += struct.pack("!HH", 300, len(flow) + 4) + flow
    return struct.pack("!HHIII", 10, len(sets) + 16, NOW, number, 9) + sets
