"""Gh0st and its many descendants: a mark, two lengths, and a zlib stream that must unpack to the second of them.

After Norman's report on its many faces (2012): the mark is ``Gh0st`` in the original and anything of five letters or so since.
"""

from __future__ import annotations

import struct
import zlib

from kazami.detect.network.rat.proof import Conversation, Proof

_MARKS = range(3, 17)
_LARGEST = 1 << 24

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
    if not mark + 10 < total < _LARGEST or not 0 < raw < _LARGEST or not data[:mark].isascii():
        return None
    unpacked = _unpacked(data[mark + 8 : total], whole=len(data) >= total)
    if unpacked is None or (len(data) >= total and len(unpacked) != min(raw, MAX_UNPACKED)):
        return None
    name = data[:mark].decode("ascii")
    told = {"mark": name, "length": str(total), "unpacked": str(raw), "begins": unpacked[:64].hex()}
    sure = "high" if len(data) >= total or name == "Gh0st" else "medium"
    return Proof("gh0st", "TCP", sure, side, 0, told)


def _unpacked(stream: bytes, whole: bool) -> bytes | None:
    engine = zlib.decompressobj()
    try:
        plain = engine.decompress(stream, MAX_UNPACKED)
    except zlib.error:
        return None
    return plain if plain or not whole else None
