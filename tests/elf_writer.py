"""Writes programs of Linux that do nothing: segments, a loader, where libraries are looked for."""

from __future__ import annotations

import hashlib
import struct

_BASE, _HEADER, _ENTRY = 0x400000, 64, 56
NOISE = hashlib.shake_256(b"noise").digest(6000)


def elf(code: bytes = b"\xc3" * 64, *, flags: int = 5, loader: str = "", runpath: str = "", sections: bool = True, overlay: bytes = b"") -> bytes:  # fmt: skip
    """A program for x86-64; `flags` of its one segment: 4 read, 2 write, 1 run."""
    many = 1 + bool(loader) + bool(runpath)
    start = _HEADER + _ENTRY * many
    content = code
    extra: list[tuple[int, int, int]] = []
    if loader:
        extra.append((3, start + len(content), len(loader) + 1))
        content += loader.encode() + b"\0"
    if runpath:
        content = content.ljust(-(-(start + len(content)) // 16) * 16 - start, b"\0")
        strings = b"\0" + runpath.encode() + b"\0"
        at = start + len(content)
        rows = [(29, 1), (5, _BASE + at + 64), (10, len(strings)), (0, 0)]
        extra.append((2, at, 64))
        content += b"".join(struct.pack("<QQ", *row) for row in rows) + strings
    end = start + len(content)
    programs = [_segment(1, flags, 0, end), *(_segment(kind, 4, at, size) for kind, at, size in extra)]
    names = b"\0.text\0.shstrtab\0"
    table = b""
    if sections:
        table = names.ljust(24, b"\0") + bytes(64)
        table += struct.pack("<IIQQQQIIQQ", 1, 1, 6, _BASE + start, start, len(code), 0, 0, 16, 0)
        table += struct.pack("<IIQQQQIIQQ", 7, 3, 0, 0, end, len(names), 0, 0, 1, 0)
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, _BASE + start, _HEADER, end + 24 if sections else 0, 0, _HEADER, _ENTRY, many,
        64, 3 if sections else 0, 2 if sections else 0,
    )  # fmt: skip
    return head + b"".join(programs) + content + table + overlay


def _segment(kind: int, flags: int, at: int, size: int) -> bytes:
    return struct.pack("<IIQQQQQQ", kind, flags, at, _BASE + at, _BASE + at, size, size, 16)


def cases() -> list[tuple[str, str, bytes]]:
    """Golden inputs: stem, name, content."""
    return [
        ("plain", "tool", elf(loader="/lib64/ld-linux-x86-64.so.2", runpath="$ORIGIN/../lib")),
        ("packed", "updater", elf(b"UPX!" + NOISE, flags=7, sections=False)),
        ("hijacked", "sshd", elf(loader="/tmp/.x/ld.so", runpath="/usr/lib:/dev/shm/.x")),
        ("carrier", "update.run", elf(overlay=NOISE)),
    ]
