"""What lies behind the end of a file that has one: a picture or a PDF that goes on as an archive or a program.

Viewers stop where the format ends, archive programs begin where theirs does (APPNOTE 6.3.10, 4.1.9: the directory is at the end), so one file
is two. Ends by PNG 1.2 (IEND), JPEG (ITU-T T.81, EOI), GIF89a (trailer) and PDF (``%%EOF``).
"""

from __future__ import annotations

from kazami.detect.content.container.members import MEANINGS
from kazami.detect.content.identify import HEAD, RUNS, kind, kinds
from kazami.model.content import Analysis, Child, Feature, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]

_END, _TAIL = b"PK\x05\x06", 66_000
_PNG, _GIF, _JPEG, _PDF = b"\x89PNG\r\n\x1a\n", (b"GIF87a", b"GIF89a"), b"\xff\xd8\xff", b"%PDF-"
#: What is opened from its front, or has an analyzer that looks behind its end.
_OPENED = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"MZ",
    b"\x7fELF",
    b"7z\xbc\xaf",
    b"Rar!",
    b"\x1f\x8b",
    b"BZh",
    b"MSCF",
)
_CARRIES = RUNS | {"archive", "image_of_disk", "office", "storage"}
_SMALL = 64
_BLOCKS = 100_000


def confidence(head: bytes, name: str) -> float:
    """Is nothing that others open from its front."""
    return 0.6 if len(head) > _SMALL and not head.startswith(_OPENED) else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """The second file as a child."""
    end = _end(data)
    rest = data[end:].lstrip(b"\0\r\n\t ") if 0 < end < len(data) - _SMALL else b""
    found = kind(rest[:HEAD]) if rest else "data"
    if kinds()[found].family not in _CARRIES or (found == "text"):
        start = _archive(data)
        if not start:
            return Analysis()
        rest, found = data[start:], "zip"
    shown = kinds()[found]
    name = f"behind the end.{shown.extensions[0]}" if shown.extensions else "behind the end"
    level = "high" if shown.family in RUNS else ""
    if not end:  # what comes before it may be the program that unpacks it
        level = "low"
    feature = Feature("container.behind_the_end", shown.title, name, len(data) - len(rest), level=level)
    return Analysis((feature,), (Child(name, rest, relation="object"),))


def _archive(data: bytes) -> int:
    """Where the zip begins that the file ends with; 0 where it does not, or is nothing else."""
    at = data.rfind(_END, max(0, len(data) - _TAIL))
    if (
        at < 0
        or at + 22 > len(data)
        or at + 22 + int.from_bytes(data[at + 20 : at + 22], "little") != len(data)
    ):
        return 0
    size, offset = (int.from_bytes(data[at + n : at + n + 4], "little") for n in (12, 16))
    directory = at - size
    if directory < 0 or data[directory : directory + 4] != b"PK\x01\x02":
        return 0
    start = directory - offset
    return start if start > 0 else max(0, data.find(b"PK\x03\x04"))


def _end(data: bytes) -> int:
    """Where the format says that it ends; 0 where it has no end that is known, or is cut off."""
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(_GIF):
        return _gif(data)
    if data.startswith(_JPEG):
        return _jpeg(data)
    if _PDF in data[:1024]:
        at = data.rfind(b"%%EOF")
        return at + 5 if at > 0 else 0
    return 0


def _png(data: bytes) -> int:
    at = 8
    for _ in range(_BLOCKS):
        kind_of = data[at + 4 : at + 8]
        at += 12 + int.from_bytes(data[at : at + 4], "big")
        if kind_of == b"IEND":
            return at
        if at >= len(data):
            break
    return 0


def _gif(data: bytes) -> int:
    at = 13 + _colors(data[10:11])
    for _ in range(_BLOCKS):
        mark = data[at : at + 1]
        if mark == b";":
            return at + 1
        if mark == b",":
            at += 11 + _colors(data[at + 9 : at + 10])
        elif mark == b"!":
            at += 2
        else:
            break
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return 0


def _colors(flags: bytes) -> int:
    """Bytes of a table of colors."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _jpeg(data: bytes) -> int:
    at = 2
    for _ in range(_BLOCKS):
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > len(data):
            break
        mark = data[at + 1]
        if mark == 0xD9:
            return at + 2
        plain = mark in (0, 1, 0xFF) or 0xD0 <= mark <= 0xD8  # pixels, fillers, restarts
        at += (1 if mark == 0xFF else 2) if plain else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0
