"""RDP: the connection request and what the server chose. After MS-RDPBCGR 2.2.1.1 and 2.2.1.2."""

from __future__ import annotations

import re
from typing import Any

_COOKIE = re.compile(rb"Cookie: mstshash=([^\r\n]{0,200})\r\n")
_PROTOCOLS = {0: "RDP", 1: "SSL", 2: "HYBRID", 4: "RDSTLS", 8: "HYBRID_EX"}


def is_rdp(client: bytes) -> bool:
    """Whether a client begins with a connection request of X.224 in TPKT."""
    return client[:2] == b"\x03\x00" and len(client) >= 11 and client[5] == 0xE0


def parse(client: bytes, server: bytes) -> dict[str, Any]:
    """Fields of ``rdp`` from the first bytes of both sides."""
    fields: dict[str, Any] = {}
    if found := _COOKIE.search(client[:300]):
        fields["cookie"] = found[1].decode("utf-8", "replace")
    size = int.from_bytes(client[2:4])
    asked = client[size - 8 : size]
    if asked[:1] == b"\x01" and asked[2:4] == b"\x08\0":
        fields["requested_protocols"] = int.from_bytes(asked[4:8], "little")
    if server[:2] == b"\x03\x00" and server[5:6] == b"\xd0":
        chosen = 0
        if server[11:12] == b"\x02":
            chosen = int.from_bytes(server[15:19], "little")
        fields["security_protocol"] = _PROTOCOLS.get(chosen, str(chosen))
        fields["result"] = "failed" if server[11:12] == b"\x03" else "encrypted" if chosen else "Success"
    return fields
