"""SSH: banners, and HASSH of both sides. After RFC 4253, and Salesforce's description of HASSH (2018)."""

from __future__ import annotations

import hashlib
from typing import Any

from kazami.wire.cursor import Cursor, Short


def parse(client: bytes, server: bytes) -> dict[str, Any]:
    """Fields of ``ssh`` from the first bytes of both sides."""
    fields: dict[str, Any] = {}
    offers: list[list[str]] = []
    for name, data, mark in (("client", client, "hassh"), ("server", server, "hasshServer")):
        banner, rest = _banner(data)
        if not banner:
            continue
        fields[name] = banner
        fields.setdefault("version", banner[4:5])
        if lists := exchange(rest):
            offers.append(lists)
            chosen = (0, 2, 4, 6) if name == "client" else (0, 3, 5, 7)
            text = ";".join(lists[place] for place in chosen)
            fields[mark] = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return {**fields, **_agreed(*offers)} if len(offers) == 2 else fields


def _agreed(client: list[str], server: list[str]) -> dict[str, Any]:
    """What both will use: of each of the client's lists the first that is in the server's (RFC 4253, 7.1)."""
    fields: dict[str, Any] = {}
    for name, place in (
        ("kex_alg", 0),
        ("host_key_alg", 1),
        ("cipher_alg", 2),
        ("mac_alg", 4),
        ("compression_alg", 6),
    ):
        offered = frozenset(server[place].split(","))
        if chosen := next((one for one in client[place].split(",") if one in offered), ""):
            fields[name] = chosen
    return fields


def _banner(data: bytes) -> tuple[str, bytes]:
    line, end, _rest = data[:4096].partition(b"\n")
    if not line.startswith(b"SSH-"):
        return "", b""
    return line.rstrip(b"\r").decode("ascii", "replace")[:255], data[len(line) + len(end) :]


def exchange(data: bytes) -> list[str]:
    """The ten lists of a key exchange message, at the start of `data`; none where there is no whole one."""
    try:
        cursor = Cursor(data)
        packet = cursor.vector(4)
        packet.take(1)
        if packet.number(1) != 20:
            return []
        packet.take(16)
        lists = []
        for _ in range(10):
            names = packet.vector(4)
            lists.append(names.take(names.left).decode("ascii", "replace"))
    except Short:
        return []
    return lists
