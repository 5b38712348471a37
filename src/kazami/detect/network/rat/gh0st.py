"""Gh0st and its many descendants: a mark, two lengths, and a zlib stream that must unpack to the second of them.

After Norman's report on its many faces (2012): the mark is ``Gh0st`` in the original and anything of five letters or so since.
The frame alone is one that others could think of: sure is the original's mark, or a log-in.
"""

from __future__ import annotations

import struct
import zlib

from kazami.detect.network.rat.proof import Conversation, Proof

_MARKS = range(3, 17)
_LARGEST = 1 << 24

#: What a client's first message begins with when unpacked: TOKEN_LOGIN of the original's published source.
_LOGIN = b"\x66"

#: Bytes that one message may unpack to.
MAX_UNPACKED = 1 << 20


def recognize(conversation: Conversation) -> Proof | None:
    """By lengths that fit and a stream that unpacks, at either side."""
    for side, data in (("client", conversation.client), ("server", conversation.server)):
        for mark in _MARKS:
            if proof := _message(side, data, mark):
                return proof
    return None


def _message(side: str, data: bytes, mark: int) -> Proof | None:
    if len(data) < mark + 12 or data[mark + 8 : mark + 9] != b"\x78":
        return None
    total, raw = struct.unpack_from("<II", data, mark)
    name = data[:mark].decode("latin-1")
    if (
        not mark + 10 < total < _LARGEST
        or not 0 < raw < _LARGEST
        or not (name.isascii() and name.isprintable())
    ):
        return None
    unpacked = _unpacked(data[mark + 8 : total], raw, whole=len(data) >= total)
    if unpacked is None:
        return None
    told = {"mark": name, "length": str(total), "unpacked": str(raw), "begins": unpacked[:64].hex()}
    sure = "high" if name == "Gh0st" or unpacked[:1] == _LOGIN else "medium"
    return Proof("gh0st", "TCP", sure, side, 0, told)


def _unpacked(stream: bytes, raw: int, *, whole: bool) -> bytes | None:
    """What a stream unpacks to, as far as it is here; None where it is none, or ends before or behind the lengths that were told."""
    engine = zlib.decompressobj()
    try:
        plain = engine.decompress(stream, MAX_UNPACKED)
    except zlib.error:
        return None
    if whole:
        fits = (
            len(plain) == min(raw, MAX_UNPACKED)
            and (engine.eof or raw > MAX_UNPACKED)
            and not engine.unused_data
        )
    else:
        fits = 0 < len(plain) <= raw and not engine.eof
    return plain if fits else None
