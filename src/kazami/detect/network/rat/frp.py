"""FRP: the log-in of a client in clear, or the one byte that it sends before TLS.

From FRP's own source: a message is a letter, its length in 8 bytes, and JSON, by default in a stream of yamux; 0x17 alone announces TLS;
``/~!frp`` is its address on WebSocket. Actors rebuild FRP, and honest people use it: this says that a tunnel is there, not whose.
"""

from __future__ import annotations

import struct

from kazami.detect.network.rat.proof import Conversation, Proof

_WORDS = (b'"version"', b'"hostname"', b'"os"', b'"arch"', b'"privilege_key"', b'"run_id"', b'"pool_count"')
_WEBSOCKET = b"GET /~!frp "

#: Messages by their letter: name, field of the proof, words in them, and how many must be there.
_FORMS = {
    b"o": ("log-in", "login", _WORDS, 3),
    b"w": ("connection for work", "work", (b'"run_id"', b'"privilege_key"', b'"timestamp"'), 2),
}
_LARGEST, _FRAMES = 1 << 16, 4


def recognize(conversation: Conversation) -> Proof | None:
    """By the log-in or a connection for work, in yamux or without; by its address on WebSocket; or by 0x17 and a TLS hello behind it."""
    data = conversation.client
    if data[:3] == b"\x17\x16\x03" and data[6:7] == b"\x01":
        told = {"announcement": "17", "tls": data[1:4].hex()}
        return Proof("FRP", "TLS behind one byte", "medium", "client", 0, told)
    if data.startswith(_WEBSOCKET):
        return Proof("FRP", "WebSocket", "high", "client", 0, {"address": _WEBSOCKET[4:-1].decode()})
    at = _in_yamux(data)
    form = _FORMS.get(data[at : at + 1])
    if form is None or data[at + 9 : at + 10] != b"{":
        return None
    name, field, words, least = form
    size, text = int.from_bytes(data[at + 1 : at + 9]), data[at + 9 : at + 4096]
    if not 2 <= size < _LARGEST or sum(word in text for word in words) < least:
        return None
    told = {"length": str(size), field: text[: min(size, 1000)].decode("utf-8", "replace")}
    return Proof("FRP", f"{name} in yamux" if at else name, "high", "client", at, told)


def _in_yamux(data: bytes) -> int:
    """Where the first message begins in a session of yamux (version, type, flags, stream, length: HashiCorp's specification), else 0."""
    at = 0
    for _ in range(_FRAMES):
        if len(data) < at + 12:
            return 0
        version, kind, flags, stream, size = struct.unpack_from(">BBHII", data, at)
        if version or kind > 3 or flags > 15:
            return 0
        at += 12
        if kind == 0 and size:
            return at if stream == 1 else 0
    return 0
