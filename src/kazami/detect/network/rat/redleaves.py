"""RedLeaves: messages over TCP, and the same in bodies of HTTP.

After NCC Group's technical note on Red Leaves (2017) and Emerging Threats' rules 2024173 to 2024175. A message on TCP is
announced by 12 bytes in clear: a number of the session, 0xdc9b8d7a, the length of what follows. What follows begins with two lengths
and 0xbfd9cbae, each XORed with the first four bytes of the RC4 key: so the key shows itself, and the lengths must fit.
"""

from __future__ import annotations

import struct

from kazami.detect.network.rat.proof import Conversation, Proof, header_lines, http_body, rc4

MAGIC, INNER = 0xDC9B8D7A, 0xBFD9CBAE

#: Published RC4 keys (NCC Group; PwC and BAE).
KEYS = (b"Lucky123", b"problems", b"485621k8\0", b"88888888", b"babybear")

_LARGEST = 1 << 26


def recognize(conversation: Conversation) -> Proof | None:
    """By the announcement and what it announces; on HTTP by the body alone."""
    for side, data, other in (
        ("client", conversation.client, conversation.server),
        ("server", conversation.server, conversation.client),
    ):
        if (proof := _tcp(side, data, other)) or (proof := _http(side, data)):
            return proof
    return None


def _tcp(side: str, data: bytes, other: bytes) -> Proof | None:
    if len(data) < 12:
        return None
    nonce, magic, size = struct.unpack_from("<III", data)
    if magic != MAGIC or not 12 < size < _LARGEST:
        return None
    fields = {"nonce": f"{nonce:08x}", "magic": "dc9b8d7a", "announced": str(size)}
    answered = len(other) >= 12 and struct.unpack_from("<II", other) == (nonce, MAGIC)
    if answered:
        fields["answer"] = "repeats the nonce"
    inner = _inner(data[12 : 12 + size], size)
    if inner is None:
        return Proof("RedLeaves", "TCP", "high" if answered else "medium", side, 0, fields)
    return Proof("RedLeaves", "TCP", "high", side, 0, fields | inner)


def _http(side: str, data: bytes) -> Proof | None:
    found = http_body(data)
    if found is None or not (data.startswith(b"POST ") or side == "server"):
        return None
    head, start = found
    headers = {name.lower(): value for name, value in header_lines(head)}
    announced = headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() and len(announced) < 10 else len(data) - start
    inner = _inner(data[start : start + size], size)
    if inner is None:
        return None
    bare = not headers.keys() & {
        "user-agent",
        "content-type",
        "referer",
        "accept-encoding",
        "accept-language",
    }
    told = {"uri": head.split(b" ", 2)[1].decode("latin-1")} if side == "client" else {}
    return Proof("RedLeaves", "HTTP", "high", side, start, told | {"bare headers": str(bare).lower()} | inner)


def _inner(body: bytes, size: int) -> dict[str, str] | None:
    """The lengths and the key's beginning, if they fit: the second length is that of what stands behind."""
    if len(body) < 12:
        return None
    first, second, third = struct.unpack_from("<III", body)
    key = third ^ INNER
    raw, packed = first ^ key, second ^ key
    if packed != size - 12 or not 0 < raw < _LARGEST or packed > raw + raw // 16 + 67:
        return None
    shown = key.to_bytes(4, "little")
    fields = {"key bytes": shown.hex(), "length": str(raw), "compressed": str(packed)}
    if known := next((each for each in KEYS if each.startswith(shown)), None):
        fields["key"] = known.decode("latin-1").rstrip("\0")
        plain = rc4(known, body[12:268])
        fields["decrypted"] = plain[:64].hex()
    return fields
