"""Writes programs of macOS (Mach-O) for tests: headers, one segment of code, paths. Nothing in them runs."""

from __future__ import annotations

import hashlib
import struct


def macho(code: bytes = b"\xc3" * 64, *, protection: int = 5, rpath: str = "", signed: bool = True, overlay: bytes = b"") -> bytes:  # fmt: skip
    """A program for x86-64; `protection` as in the format (read 1, write 2, execute 4)."""
    commands = [b""]
    if rpath:
        text = rpath.encode() + b"\0"
        text += bytes(-(12 + len(text)) % 8)
        commands.append(struct.pack("<3I", 0x8000001C, 12 + len(text), 12) + text)
    if signed:
        commands.append(struct.pack("<4I", 0x1D, 16, 4096 + len(code), 64))
    size = 4096 + len(code) + 64 * signed
    commands[0] = struct.pack("<2I16s4Q4I", 0x19, 72, b"__TEXT", 0x100000000, 0x4000, 0, size, protection, protection, 0, 0)  # fmt: skip
    body = b"".join(commands)
    head = struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 2, len(commands), len(body), 0, 0)
    blob = struct.pack(">3I", 0xFADE0CC0, 12, 0).ljust(64, b"\0") if signed else b""
    return (head + body).ljust(4096, b"\0") + code + blob + overlay


def fat(*slices: bytes) -> bytes:
    """Several of them in one file."""
    out = struct.pack(">2I", 0xCAFEBABE, len(slices))
    at, rows, body = 4096, b"", b""
    for number, data in enumerate(slices):
        kinds = ((0x01000007, 3), (0x0100000C, 0))[number % 2]
        rows += struct.pack(">5I", *kinds, at, len(data), 12)
        padded = data + bytes(-len(data) % 4096)
        body, at = body + padded, at + len(padded)
    return (out + rows).ljust(4096, b"\0") + body


def cases() -> list[tuple[str, str, bytes]]:
    """Golden inputs: stem, name, content."""
    noise = hashlib.shake_256(b"x").digest(8192)
    return [
        ("plain", "tool", macho()),
        ("unsigned", "tool", macho(signed=False)),
        ("writable_path", "tool", macho(rpath="/tmp/lib", signed=False)),
        ("own_path", "tool", macho(rpath="@executable_path/../Frameworks")),
        ("writable_code", "tool", macho(protection=7)),
        ("packed", "tool", macho(noise, signed=False)),
        ("two_architectures", "tool", fat(macho(), macho(protection=7))),
        ("appended", "tool", macho(overlay=b"7z\xbc\xaf\x27\x1c" + bytes(range(100)))),
        ("cut", "tool", macho()[:40]),
    ]
