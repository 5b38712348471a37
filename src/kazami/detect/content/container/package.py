"""What OLE 1 packs files in: the Ole10Native stream and the objects in RTF (MS-OLEDS 2.2, 2.3.6)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from kazami.archive.name import decoded


class Native(NamedTuple):
    """A packed file: the label, where it came from, its content; without content where it is only linked."""

    name: str
    source: str
    data: bytes


class Object(NamedTuple):
    """An OLE 1 object: its class as it is written, and its native data. `format` is 2 where it is embedded, 1 linked."""

    name: str
    topic: str
    format: int
    data: bytes
    end: int


def native(content: bytes) -> Native | None:
    """The file in an Ole10Native stream, with or without the size before it; None where there is none."""
    if len(content) < 12:
        return None
    at = 4 if content[4:6] in (b"\x02\0", b"\x03\0") else 0
    if content[at : at + 2] != b"\x02\0":
        return None
    at += 2
    label, at = _text(content, at)
    source, at = _text(content, at)
    if at + 8 > len(content):
        return None
    linked = content[at + 2 : at + 4] == b"\x01\0"
    at += 4
    if linked:
        return Native(label, source, b"")
    size = struct.unpack_from("<L", content, at)[0]
    at += 4
    temporary = content[at : at + min(size, 1024)]
    if size > 1024 or b"\0" not in temporary:
        return None
    at += size
    if at + 4 > len(content):
        return None
    length = struct.unpack_from("<L", content, at)[0]
    data = content[at + 4 : at + 4 + length]
    return Native(label or source.replace("\\", "/").rsplit("/", 1)[-1], source, data) if data else None


def _text(content: bytes, at: int) -> tuple[str, int]:
    end = content.find(b"\0", at, at + 1024)
    if end < 0:
        return "", len(content)
    return decoded(content[at:end]), end + 1


def ole1(content: bytes) -> Object | None:
    """The object that `content` begins with; None where it is none."""
    if len(content) < 12:
        return None
    _, form = struct.unpack_from("<LL", content)
    if form not in (1, 2, 5):
        return None
    at = 8
    texts = []
    for _ in range(3):
        if at + 4 > len(content):
            return None
        length = struct.unpack_from("<L", content, at)[0]
        if length > 4096 or at + 4 + length > len(content):
            return None
        texts.append(content[at + 4 : at + 4 + length].split(b"\0")[0].decode("latin-1"))
        at += 4 + length
    if form == 1:  # linked: nothing is kept
        return Object(texts[0], texts[1], form, b"", at)
    if at + 4 > len(content):
        return None
    size = struct.unpack_from("<L", content, at)[0]
    data = content[at + 4 : at + 4 + size]
    return Object(texts[0], texts[1], form, data, at + 4 + len(data))
