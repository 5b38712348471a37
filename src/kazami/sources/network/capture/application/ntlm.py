"""NTLM wherever it is spoken (SMB, DCE/RPC, HTTP): which account from which machine, and what the server calls itself. After MS-NLMP."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import Any

_MARK = b"NTLMSSP\0"
_ENCODED = re.compile(rb"(?:NTLM|Negotiate) ([A-Za-z0-9+/]{16,16000}={0,2})")
_TARGETS = {1: "server_nb_computer_name", 3: "server_dns_computer_name", 5: "server_tree_name"}

#: Messages of one side that are looked at, and characters of a name.
MAX_MESSAGES, MAX_NAME = 50, 300


def parse(client: bytes, server: bytes, http: bool = False) -> list[dict[str, Any]]:
    """Fields of ``ntlm`` for every account that a client named; for HTTP messages are unpacked from its headers."""
    if http:
        client, server = _unpacked(client), _unpacked(server)
    at = client.find(_MARK)
    if at < 0:
        return []
    told = _told(server)
    records: list[dict[str, Any]] = []
    for _ in range(MAX_MESSAGES):
        if at < 0:
            break
        if client[at + 8 : at + 12] == b"\x03\0\0\0":
            fields = {**_account(client, at), **told}
            if fields not in records:
                records.append(fields)
                fields["#at"] = at
        at = client.find(_MARK, at + 8)
    return records


def _unpacked(data: bytes) -> bytes:
    found = []
    for encoded in _ENCODED.findall(data)[:MAX_MESSAGES]:
        try:
            found.append(base64.b64decode(encoded + b"=" * (-len(encoded) % 4)))
        except binascii.Error:
            continue  # no base64, so no message
    return b"".join(found)


def _account(data: bytes, at: int) -> dict[str, Any]:
    if at + 64 > len(data):
        return {}
    wide = struct.unpack_from("<I", data, at + 60)[0] & 1
    fields = {}
    for name, place in (("domainname", 28), ("username", 36), ("hostname", 44)):
        size, _, offset = struct.unpack_from("<HHI", data, at + place)
        raw = data[at + offset : at + offset + min(size, 2 * MAX_NAME)]
        if text := raw.decode("utf-16-le" if wide else "latin-1", "replace"):
            fields[name] = text
    return fields


def _told(server: bytes) -> dict[str, Any]:
    """What the challenge says of the server."""
    at = server.find(_MARK + b"\x02\0\0\0")
    if at < 0 or at + 48 > len(server):
        return {}
    size, _, offset = struct.unpack_from("<HHI", server, at + 40)
    at += offset
    end = min(at + size, len(server))
    fields: dict[str, Any] = {}
    while at + 4 <= end:
        kind, length = struct.unpack_from("<HH", server, at)
        if kind == 0:
            break
        if kind in _TARGETS:
            fields[_TARGETS[kind]] = server[at + 4 : at + 4 + min(length, 2 * MAX_NAME)].decode(
                "utf-16-le", "replace"
            )
        at += 4 + length
    return fields
