"""Chains of names and templates in the chunks of an EVTX file, and such as never end.

A chunk begins with tables of the names and templates in it: 64 and 32 offsets, each of the first of a chain whose
links stand at the beginning of each name or template. They only save the decoder a search. But it follows them to the
end, and a chain that bites its tail, by damage or by intent, has none: the decoder would never come back.

Format: "Windows XML Event Log (EVTX)" by Joachim Metz, "Chunk header": from byte 128 on.
"""

from __future__ import annotations

import struct

CHUNK = 65536

_TABLES, _BUCKETS = 128, 96
_LAST = CHUNK - 4  # a link that begins later is none

#: A longer chain is longer than those that Windows writes; only then each is looked at closely.
_USUAL = 64

_table = struct.Struct(f"<{_BUCKETS}I").unpack_from
_link = struct.Struct("<I").unpack_from


def endless(chunk: bytes | memoryview) -> list[int]:
    """Where in a chunk an offset stands that begins a chain without end. Some 6 microseconds."""
    links = [link for link in _table(chunk, _TABLES) if link]
    try:
        for _ in range(_USUAL):
            if not links:
                return []
            links = [following for link in links if (following := _link(chunk, link)[0])]
    except struct.error:
        pass  # a link out of the chunk; that chain ends there, but others may not
    places = range(_TABLES, _TABLES + 4 * _BUCKETS, 4)
    return [place for place in places if _bites(chunk, place)]


def _bites(chunk: bytes | memoryview, place: int) -> bool:
    seen = set()
    (link,) = _link(chunk, place)
    while 0 < link <= _LAST:
        if link in seen:
            return True
        seen.add(link)
        (link,) = _link(chunk, link)
    return False


def ended(chunk: bytes) -> bytes:
    """The chunk without chains that have no end: what they would have found is searched for."""
    places = endless(chunk) if len(chunk) == CHUNK else []
    if not places:
        return chunk
    changed = bytearray(chunk)
    for place in places:
        changed[place : place + 4] = bytes(4)
    return bytes(changed)
