"""Quasar: the certificate that it makes for itself, or, before it had TLS, messages whose lengths are those of its encryption.

From Quasar's own source. Up to 1.3 a message is its length in 4 bytes, 32 bytes of HMAC, 16 of IV and blocks of AES; the server asks first. That
is a form only, so it is never more than worth a look. APT10's changed build has not been described in bytes.
"""

from __future__ import annotations

import struct

from kazami.detect.network.rat.proof import Conversation, Proof, is_dense

_NAME = b"Quasar Server CA"
_LEAST, _MOST = 64, 1 << 20

#: Messages of each side on another port than its own: four lengths that are multiples of 16 are no chance (1 in 65,536).
_MESSAGES = 2


def recognize(conversation: Conversation) -> Proof | None:
    """By the name in the server's certificate, or by messages of both sides that keep the form."""
    server = conversation.server
    if server[:2] == b"\x16\x03" and (at := server.find(_NAME)) >= 0:
        return Proof("Quasar", "TLS certificate", "high", "server", at, {"certificate": _NAME.decode()})
    sizes = _framed(server), _framed(conversation.client)
    least = 1 if conversation.port == 4782 else _MESSAGES
    if min(map(len, sizes)) < least:
        return None
    told = {
        "server's messages": " ".join(map(str, sizes[0])),
        "client's messages": " ".join(map(str, sizes[1])),
    }
    return Proof("Quasar", "messages of AES with HMAC", "low", "server", 0, told)


def _framed(data: bytes) -> list[int]:
    """Lengths of the messages that `data` consists of; none where one does not keep the form."""
    sizes: list[int] = []
    at = 0
    while at + 4 <= len(data):
        size = struct.unpack_from("<I", data, at)[0]
        if not _LEAST <= size <= _MOST or size % 16 or not is_dense(data[at + 4 : at + 4 + min(size, 256)]):
            return []
        sizes.append(size)
        at += 4 + size
    return sizes
