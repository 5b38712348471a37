"""FRP: the log-in of a client in clear, or the one byte that it sends before TLS.

From FRP's own source: a message is a letter, its length in 8 bytes, and JSON; 0x17 alone announces TLS. Actors rebuild FRP, and honest people
use it: this says that a tunnel is there, not whose.
"""

from __future__ import annotations

from kazami.detect.network.rat.proof import Conversation, Proof

_WORDS = (b'"version"', b'"hostname"', b'"os"', b'"arch"', b'"privilege_key"', b'"run_id"', b'"pool_count"')
_LARGEST = 1 << 16


def recognize(conversation: Conversation) -> Proof | None:
    """By the log-in, or by 0x17 and a TLS hello behind it."""
    data = conversation.client
    if data[:3] == b"\x17\x16\x03" and data[6:7] == b"\x01":
        told = {"announcement": "17", "tls": data[1:4].hex()}
        return Proof("FRP", "TLS behind one byte", "medium", "client", 0, told)
    if data[:1] != b"o" or data[9:10] != b"{":
        return None
    size = int.from_bytes(data[1:9])
    words = [word for word in _WORDS if word in data[9:4096]]
    if not 2 <= size < _LARGEST or len(words) < 3:
        return None
    text = data[9 : 9 + min(size, 1000)].decode("utf-8", "replace")
    return Proof("FRP", "log-in", "high", "client", 0, {"length": str(size), "login": text})
