"""Hello messages of TLS, and the fingerprints made of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

#: Extensions of one message that are looked at.
MAX_EXTENSIONS = 200

_GREASE = frozenset(n << 12 | 0xA0A | n << 4 for n in range(16))
_JA4 = {0x0304: b"13", 0x0303: b"12", 0x0302: b"11", 0x0301: b"10", 0x0300: b"s3", 0x0002: b"s2"}
_NAME, _GROUPS, _FORMATS, _SIGNATURES, _PROTOCOLS, _SUPPORTED = 0, 10, 11, 13, 16, 43


@dataclass(slots=True)
class Hello:
    """What a hello message says, numbers as they stand."""

    version: int = 0
    random: bytes = b""
    ciphers: list[int] = field(default_factory=list)
    extensions: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    formats: list[int] = field(default_factory=list)
    signatures: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    protocols: list[bytes] = field(default_factory=list)
    name: bytes | None = None


def hello(data: bytes, client: bool) -> Hello:
    """A hello message; what is cut is left out."""
    said = Hello(int.from_bytes(data[:2]), data[2:34])
    at = 35 + (data[34] if len(data) > 34 else 0)
    if client:
        size = int.from_bytes(data[at : at + 2])
        said.ciphers = _numbers(data[at + 2 : at + 2 + size])
        at += 2 + size
        at += 1 + (data[at] if at < len(data) else 0)
    else:
        said.ciphers = _numbers(data[at : at + 2])
        at += 3
    end = min(len(data), at + 2 + int.from_bytes(data[at : at + 2]))
    at += 2
    while at + 4 <= end and len(said.extensions) < MAX_EXTENSIONS:
        kind, size = int.from_bytes(data[at : at + 2]), int.from_bytes(data[at + 2 : at + 4])
        said.extensions.append(kind)
        _extension(said, kind, data[at + 4 : min(end, at + 4 + size)], client)
        at += 4 + size
    return said


def _extension(said: Hello, kind: int, body: bytes, client: bool) -> None:
    if kind == _NAME and client and len(body) > 5 and body[2] == 0:
        said.name = body[5 : 5 + int.from_bytes(body[3:5])]
    elif kind == _GROUPS:
        said.groups = _numbers(body[2:])
    elif kind == _FORMATS:
        said.formats = list(body[1:])
    elif kind == _SIGNATURES:
        said.signatures = _numbers(body[2:])
    elif kind == _SUPPORTED:
        found = _numbers(body[1:] if client else body)
        said.versions = [version for version in found if version not in _GREASE]
    elif kind == _PROTOCOLS:
        at = 2
        while at < len(body) and len(said.protocols) < 64:
            said.protocols.append(body[at + 1 : at + 1 + body[at]])
            at += 1 + body[at]


def _numbers(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data) - 1, 2)]


def _plain(numbers: list[int]) -> list[int]:
    return [number for number in numbers if number not in _GREASE]


def ja3(said: Hello, client: bool) -> bytes:
    """The text of JA3 (client) or JA3S (server)."""
    parts: list[list[int]] = [[said.version], _plain(said.ciphers), _plain(said.extensions)]
    if client:
        parts += [_plain(said.groups), said.formats]
    return ",".join("-".join(map(str, part)) for part in parts).encode()


def ja4(said: Hello, transport: bytes = b"t") -> bytes:
    """JA4 of a client."""
    ciphers, extensions = _plain(said.ciphers), _plain(said.extensions)
    version = _JA4.get(max(said.versions, default=said.version), b"00")
    first = said.protocols[0] if said.protocols else b""
    ends = bytes((first[0], first[-1])) if first else b"00"
    if first and not (ends.isalnum() and ends.isascii()):
        digits = first.hex().encode()
        ends = digits[:1] + digits[-1:]
    head = b"%s%s%s%02d%02d%s" % (
        transport, version, b"d" if _NAME in extensions else b"i", min(len(ciphers), 99), min(len(extensions), 99), ends,
    )  # fmt: skip
    named = sorted(b"%04x" % number for number in extensions if number not in (_NAME, _PROTOCOLS))
    signed = b",".join(b"%04x" % number for number in _plain(said.signatures))
    tail = b",".join(named) + (b"_" + signed if signed else b"")
    return b"_".join(
        (
            head,
            _short(b",".join(sorted(b"%04x" % number for number in ciphers))),
            _short(tail if named else b""),
        )
    )


def _short(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:12].encode() if text else b"000000000000"
