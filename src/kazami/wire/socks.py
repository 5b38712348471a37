"""SOCKS 4 and 5: who asks a proxy to go where. Fields of Zeek's ``socks``; after RFC 1928, 1929 and the note on SOCKS 4."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from kazami.wire.cursor import Cursor, Short

_STATUS4 = {90: "succeeded", 91: "general SOCKS server failure", 92: "request failed because client is not running identd",
            93: "request failed because client's identd could not confirm the user ID string in the request"}  # fmt: skip
_STATUS5 = {0: "succeeded", 1: "general SOCKS server failure", 2: "connection not allowed by ruleset", 3: "Network unreachable",
            4: "Host unreachable", 5: "Connection refused", 6: "TTL expired", 7: "Command not supported", 8: "Address type not supported"}  # fmt: skip


def is_socks(client: bytes, server: bytes) -> bool:
    """Whether client and server greet as in SOCKS 5, or as in SOCKS 4."""
    if client[:1] == b"\x05":
        count = client[1] if len(client) > 1 else 0
        return (
            0 < count <= 10
            and len(client) >= 2 + count
            and server[:1] == b"\x05"
            and server[1:2] in (b"\0", b"\x02", b"\xff")
        )
    return (
        client[:1] == b"\x04"
        and client[1:2] in (b"\x01", b"\x02")
        and len(client) >= 9
        and server[:1] == b"\0"
        and server[1:2] in (b"Z", b"[", b"\\", b"]")
    )


def parse(client: bytes, server: bytes) -> tuple[dict[str, Any], int, int]:
    """Fields of ``socks``, and where behind it the proxied connection begins on both sides; 0 where it does not."""
    fields: dict[str, Any] = {"version": client[0]}
    near, far = Cursor(client), Cursor(server)
    try:
        if client[0] == 4:
            _four(near, far, fields)
        else:
            _five(near, far, fields)
    except (Short, ValueError):
        return fields, 0, 0  # what was read stays
    return fields, near.at, far.at


def _four(near: Cursor, far: Cursor, fields: dict[str, Any]) -> None:
    near.take(2)
    port, address = near.number(2), near.take(4)
    fields |= {"request_p": port, "user": _text(near)}
    if address[:3] == b"\0\0\0" and address[3]:
        fields["request.name"] = _text(near)
    else:
        fields["request.host"] = str(ip_address(address))
    far.take(1)
    code = far.number(1)
    fields["status"] = _STATUS4.get(code, f"unknown-{code}")
    port, address = far.number(2), far.take(4)
    fields |= {"bound.host": str(ip_address(address)), "bound_p": port}


def _text(cursor: Cursor) -> str:
    end = cursor.data.find(b"\0", cursor.at)
    if end < 0:
        raise Short
    text = cursor.take(end - cursor.at).decode("utf-8", "replace")
    cursor.take(1)
    return text[:255]


def _five(near: Cursor, far: Cursor, fields: dict[str, Any]) -> None:
    near.take(1)
    near.vector(1)
    far.take(1)
    method = far.number(1)
    if method == 2:
        near.take(1)
        user = near.vector(1)
        fields["user"] = user.take(user.left).decode("utf-8", "replace")
        near.vector(1)
        far.take(2)
    near.take(3)
    fields |= _place(near, "request")
    far.take(1)
    code = far.number(1)
    fields["status"] = _STATUS5.get(code, f"unknown-{code}")
    far.take(1)
    fields |= _place(far, "bound")


def _place(cursor: Cursor, what: str) -> dict[str, Any]:
    kind = cursor.number(1)
    fields: dict[str, Any] = {}
    if kind == 3:
        name = cursor.vector(1)
        fields[f"{what}.name"] = name.take(name.left).decode("utf-8", "replace")
    else:
        fields[f"{what}.host"] = str(ip_address(cursor.take(16 if kind == 4 else 4)))
    fields[f"{what}_p"] = cursor.number(2)
    return fields
