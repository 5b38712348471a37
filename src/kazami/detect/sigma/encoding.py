"""Byte encodings of a value: UTF-16, Base64, and Base64 at any of its three offsets."""

from __future__ import annotations

from base64 import b64encode


def utf16le(text: str) -> bytes:
    """UTF-16, little endian."""
    return text.encode("utf-16-le")


def utf16be(text: str) -> bytes:
    """UTF-16, big endian."""
    return text.encode("utf-16-be")


def utf16(text: str) -> bytes:
    """UTF-16 with the byte order mark FF FE in front, little endian."""
    return b"\xff\xfe" + utf16le(text)


def base64(data: bytes) -> list[str]:
    """Base64, with its padding."""
    return [b64encode(data).decode()]


def base64offset(data: bytes) -> list[str]:
    """The characters that `data` is sure to leave in Base64 when 0, 1 or 2 bytes (modulo 3) stand before it.

    Characters that also hold bits of what stands before or after are cut off. Offsets that leave the same
    text are given once.
    """
    found = []
    for offset in range(3):
        first = (0, 2, 3)[offset]  # characters that hold bits of the bytes before
        bits = 8 * (offset + len(data))
        found.append(b64encode(b"\0" * offset + data)[first : bits // 6].decode())
    return list(dict.fromkeys(found))
