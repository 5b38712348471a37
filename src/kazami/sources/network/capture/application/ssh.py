"""SSH: banners, and HASSH of both sides. After RFC 4253, RFC 4419, and Salesforce's description of HASSH (2018)."""

from __future__ import annotations

import hashlib
from typing import Any

from kazami.wire.cursor import Cursor, Short

#: Messages that only a client or only a server of SSH sends: the first and the second of a key exchange (RFC 4253, 8; RFC 4419, 5).
_OF_CLIENT, _OF_SERVER = (30, 32, 34), (31, 33)

#: Messages before the keys are in use, the exchange's own among them.
_IN_CLEAR = 6


def parse(client: bytes, server: bytes) -> dict[str, Any]:
    """Fields of ``ssh`` from the first bytes of both sides, `client` being who opened the connection.

    ``reversed`` says that this side spoke as the server: who was called logs on to who called. ``client`` and ``server`` are then those of SSH.
    """
    fields: dict[str, Any] = {}
    if is_reversed(client, server):
        client, server = server, client
        fields["reversed"] = True
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


def is_reversed(opener: bytes, called: bytes) -> bool:
    """Whether who opened a connection speaks as the server of SSH, and who was called as the client."""
    return any(kind in _OF_SERVER for kind in _kinds(opener)) and any(
        kind in _OF_CLIENT for kind in _kinds(called)
    )


def _kinds(data: bytes) -> list[int]:
    """Kinds of the messages behind the banner that are not encrypted yet."""
    cursor = Cursor(_banner(data)[1])
    kinds: list[int] = []
    try:
        while len(kinds) < _IN_CLEAR and 21 not in kinds:  # new keys: what follows cannot be read
            packet = cursor.vector(4)
            packet.take(1)
            kinds.append(packet.number(1))
    except Short:
        pass  # what was read counts
    return kinds


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
