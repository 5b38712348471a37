"""Containers of evidence: what one is, by content, and how its members are read.

Each format is a module with ``members(...)``: a generator of `Member` and `Fault`. A member's content is a
stream that must be consumed before the next member is asked for. Nothing of a container is believed: names are only
shown, sizes only counted, and every byte that comes out of a decompressor is paid for from one `Budget`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Member(NamedTuple):
    """One thing inside a container: its name for people, its content in pieces, when it was last changed.

    `content` may raise anything when the container is damaged; what it gave before is good. `modified` is in
    microseconds since the epoch, None where the container does not say.
    """

    name: str
    content: Iterator[bytes]
    modified: int | None = None


class Fault(NamedTuple):
    """Why a part of a container cannot be read; `name` of the member, or "" for the container itself.

    `lost` members, as far as that is known; 0 says that something was passed over, or is only worth knowing.
    """

    name: str
    place: str
    reason: str
    lost: int = 1


#: How a kind begins. Compressed streams hold one member; the others several.
_MAGIC = (
    (b"\x1f\x8b\x08", "gz"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
)
_BZIP2_BLOCK, _BZIP2_END = b"1AY&SY", b"\x17rE8P\x90"
_FIRST = frozenset(magic[0] for magic, _ in _MAGIC) | {ord("B")}

#: Bytes from the start that `kind` wants to see.
HEAD = 512


def kind(head: bytes) -> str:
    """``gz``, ``bz2``, ``xz``, ``zst``, ``zip``, ``7z`` or ``tar``; "" where `head` is of no container."""
    if not head:
        return ""
    if head[0] in _FIRST:
        for magic, name in _MAGIC:
            if head.startswith(magic):
                return name
        if head[:3] == b"BZh" and head[3:4].isdigit() and head[4:10] in (_BZIP2_BLOCK, _BZIP2_END):
            return "bz2"
    return "tar" if head[257:262] == b"ustar" else ""
