"""Hello messages of TLS: what they say, and JA3, JA3S, and JA4 of the client.

JA3 after Salesforce's description (2017); JA4 for clients after FoxIO's technical details (BSD licence; the other JA4+ methods are not
ours to use). GREASE (RFC 8701) is left out of both.
"""

from __future__ import annotations

import hashlib
import struct
from contextlib import suppress
from dataclasses import dataclass, field

from kazami.wire.cursor import Cursor, Short

#: Extensions of one message that are looked at.
MAX_EXTENSIONS = 200

_JA4_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_GREASE = frozenset(n << 12 | 0xA0A | n << 4 for n in range(16))

_PAIR = struct.Struct("!HH").unpack_from
_READ = frozenset((0, 10, 11, 13, 16, 43, 51))


@dataclass(slots=True)
class Hello:
    """What a hello message says, numbers as they stand."""

    version: int = 0
    random: bytes = b""
    session: bytes = b""
    ciphers: list[int] = field(default_factory=list)
    extensions: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    formats: list[int] = field(default_factory=list)
    signatures: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    protocols: list[bytes] = field(default_factory=list)
    name: bytes | None = None


def hello(body: bytes, client: bool) -> Hello:
    """A hello message as far as it goes."""
    found = Hello()
    try:
        cursor = Cursor(body)
        found.version = cursor.number(2)
        found.random = cursor.take(32)
        session = cursor.vector(1)
        found.session = session.take(session.left)
        if client:
            found.ciphers = cursor.vector(2).numbers(2)
            cursor.vector(1)
        else:
            found.ciphers = [cursor.number(2)]
            cursor.take(1)
        if cursor.left:
            _extensions(cursor.vector(2), found, client)
    except Short:
        pass  # what was read stays
    return found


def _extensions(cursor: Cursor, found: Hello, client: bool) -> None:
    data, at, end = cursor.data, cursor.at, cursor.end
    kinds = found.extensions
    while at + 4 <= end and len(kinds) < MAX_EXTENSIONS:
        kind, size = _PAIR(data, at)
        at += 4
        if at + size > end:
            raise Short
        kinds.append(kind)
        if kind in _READ:
            with suppress(Short):  # of an extension that is not what it says only the number counts
                _extension(kind, Cursor(data, at, at + size), found, client)
        at += size


def _extension(kind: int, body: Cursor, found: Hello, client: bool) -> None:
    if kind == 0 and client and body.left:
        names = body.vector(2)
        if names.number(1) == 0:
            name = names.vector(2)
            found.name = name.take(name.left)
    elif kind == 10:
        found.groups = body.vector(2).numbers(2)
    elif kind == 11:
        found.formats = body.vector(1).numbers(1)
    elif kind == 13:
        found.signatures = body.vector(2).numbers(2)
    elif kind == 16:
        names = body.vector(2)
        while names.left and len(found.protocols) < 20:
            name = names.vector(1)
            found.protocols.append(name.take(name.left))
    elif kind == 51 and not client:
        found.groups = [body.number(2)]
    elif kind == 43:
        found.versions = body.vector(1).numbers(2) if client else [body.number(2)]


def ja3(asked: Hello) -> str:
    """The text of which JA3 is the MD5."""
    lists = (asked.ciphers, asked.extensions, asked.groups, asked.formats)
    return ",".join((str(asked.version), *("-".join(map(str, plain(numbers))) for numbers in lists)))


def ja3s(answer: Hello) -> str:
    """The text of which JA3S is the MD5."""
    lists = (answer.ciphers, answer.extensions)
    return ",".join((str(answer.version), *("-".join(map(str, plain(numbers))) for numbers in lists)))


def digest(text: str) -> str:
    """MD5 in hexadecimal, as these fingerprints are defined."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def plain(numbers: list[int]) -> list[int]:
    """Without GREASE."""
    return [number for number in numbers if number not in _GREASE]


def ja4(asked: Hello, transport: str = "t") -> str:
    """JA4 of a client; `transport` is ``t`` or ``q`` (QUIC)."""
    ciphers, extensions = plain(asked.ciphers), plain(asked.extensions)
    version = max(plain(asked.versions), default=asked.version)
    first = _ends(asked.protocols[0]) if asked.protocols else "00"
    named = "d" if 0 in extensions else "i"
    head = f"{transport}{_JA4_VERSIONS.get(version, '00')}{named}{min(len(ciphers), 99):02}{min(len(extensions), 99):02}{first}"
    listed = ",".join(sorted(f"{number:04x}" for number in ciphers))
    others = ",".join(sorted(f"{number:04x}" for number in extensions if number not in (0, 16)))
    signed = ",".join(f"{number:04x}" for number in plain(asked.signatures))
    return f"{head}_{_short(listed)}_{_short(f'{others}_{signed}' if signed else others)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12


def _ends(name: bytes) -> str:
    if not name:
        return "00"
    if chr(name[0]).isalnum() and chr(name[-1]).isalnum() and name[0] < 128 and name[-1] < 128:
        return chr(name[0]) + chr(name[-1])
    return name.hex()[0] + name.hex()[-1]
