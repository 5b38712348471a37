"""Transforms of a buffer, each bytes to bytes."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64decode
from collections.abc import Callable

#: Bytes that a transform may make.
MOST = 1 << 20

_BLANK = b" \t\n\v\f\r"
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ALPHABET = frozenset(_LETTERS)
_OTHERS = bytes(set(range(256)) - _ALPHABET)


def dotprefix(data: bytes) -> bytes:
    """A dot before it, so that ``.example.com`` also means the domain itself."""
    return b"." + data


def strip_whitespace(data: bytes) -> bytes:
    """Without any blanks."""
    return data.translate(None, _BLANK)


def compress_whitespace(data: bytes) -> bytes:
    """Of blanks in a row, one."""
    made = bytearray()
    for letter in data:
        if letter in _BLANK:
            if not made or made[-1] not in _BLANK:
                made.append(letter)
        else:
            made.append(letter)
    return bytes(made)


def url_decode(data: bytes) -> bytes:
    """Percent signs and plus signs undone, once."""
    return percent(data.replace(b"+", b" "))


def percent(data: bytes) -> bytes:
    """What stands behind percent signs; broken ones stay as they are."""
    if b"%" not in data:
        return data
    first, *rest = data.split(b"%")
    made = [first]
    for part in rest:
        try:
            made.append(bytes((int(part[:2], 16),)) + part[2:] if _hex(part[:2]) else b"%" + part)
        except ValueError:
            made.append(b"%" + part)
    return b"".join(made)


def _hex(pair: bytes) -> bool:
    return len(pair) == 2 and all(letter in b"0123456789abcdefABCDEF" for letter in pair)


def to_lowercase(data: bytes) -> bytes:
    """In small letters."""
    return data.lower()


def to_uppercase(data: bytes) -> bytes:
    """In capital letters."""
    return data.upper()


def strip_pseudo_headers(data: bytes) -> bytes:
    """Without lines that begin with a colon."""
    return b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(b":"))


def header_lowercase(data: bytes) -> bytes:
    """Names of headers in small letters."""
    lines = data.split(b"\r\n")
    return b"\r\n".join(
        b":".join([head.lower(), *rest]) for head, *rest in (line.split(b":", 1) for line in lines)
    )


def digest(name: str) -> Callable[[bytes], bytes]:
    """A hash, as raw bytes."""
    return lambda data: hashlib.new(name, data, usedforsecurity=False).digest()


def xor(key: bytes) -> Callable[[bytes], bytes]:
    """Each byte with the key's, over and over."""

    def change(data: bytes) -> bytes:
        whole = (key * (len(data) // len(key) + 1))[: len(data)]
        return (int.from_bytes(data) ^ int.from_bytes(whole)).to_bytes(len(data)) if data else data

    return change


def from_base64(mode: str = "rfc4648", offset: int = 0, count: int = 0) -> Callable[[bytes], bytes]:
    """What Base64 stands for; nothing where it is none."""

    def change(data: bytes) -> bytes:
        part = data[offset : offset + count] if count else data[offset:]
        return decoded(part, mode)

    return change


def decoded(data: bytes, mode: str = "rfc4648") -> bytes:
    """Base64 undone: ``strict`` takes all or nothing, ``rfc4648`` ends at what is no letter, ``rfc2045`` passes that over."""
    if mode == "strict":
        body = data.rstrip(b"=")
        if len(data) % 4 or len(data) - len(body) > 2 or not _ALPHABET.issuperset(body):
            return b""
        return _decode(body)
    if mode == "rfc2045":
        return _decode(data.partition(b"=")[0].translate(None, _OTHERS))
    return _decode(data[: len(data) - len(data.lstrip(_LETTERS))])


def _decode(body: bytes) -> bytes:
    if len(body) % 4 == 1:
        body = body[:-1]
    return b64decode(body + b"=" * (-len(body) % 4))


def inflate(window: int) -> Callable[[bytes], bytes]:
    """Decompressed, as far as it goes."""

    def change(data: bytes) -> bytes:
        try:
            return zlib.decompressobj(window).decompress(data, MOST)
        except zlib.error:
            return b""

    return change
