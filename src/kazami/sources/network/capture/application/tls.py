"""TLS: hello messages of both sides, JA3 and JA3S, and JA4 of the client.

JA3 after Salesforce's description (2017); JA4 for clients after FoxIO's technical details (BSD licence; the other JA4+ methods are not
ours to use). GREASE (RFC 8701) is left out of both.
"""

from __future__ import annotations

import hashlib
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kazami.sources.network.capture.application import x509
from kazami.sources.network.capture.application.cipher_suite import CURVES, name_of
from kazami.sources.network.capture.application.cursor import Cursor, Short

VERSIONS = {
    0x0300: "SSLv3",
    0x0301: "TLSv10",
    0x0302: "TLSv11",
    0x0303: "TLSv12",
    0x0304: "TLSv13",
    0x0002: "SSLv2",
}
_JA4_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_GREASE = frozenset(n << 12 | 0xA0A | n << 4 for n in range(16))

_PAIR = struct.Struct("!HH").unpack_from
_READ = frozenset((0, 10, 11, 13, 16, 43, 51))

#: Records that say that the handshake was done: the change of ciphers, and data.
_BEHIND = 1 << 20 | 1 << 23

#: Handshake messages and extensions of one side that are looked at.
MAX_MESSAGES, MAX_EXTENSIONS = 20, 200


@dataclass(slots=True)
class Hello:
    """What a hello message says, numbers as they stand."""

    version: int = 0
    session: bytes = b""
    ciphers: list[int] = field(default_factory=list)
    extensions: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    formats: list[int] = field(default_factory=list)
    signatures: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    protocols: list[bytes] = field(default_factory=list)
    name: str | None = None


def is_tls(client: bytes) -> bool:
    """Whether a client begins with a hello in a record."""
    return client[:2] == b"\x16\x03" and client[5:6] == b"\x01"


def parse(client: bytes, server: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Fields of ``ssl`` from the first bytes of both sides, and the certificates of the server, its own first."""
    asked, others = records(client)
    answered, more = records(server)
    fields = hellos(asked, answered)
    chain: list[bytes] = []
    for kind, body in handshake(answered):
        if kind == 11:
            chain = chain or x509.certificates(body)
        elif kind == 12 and body[:1] == b"\x03" and len(body) > 3:
            group = int.from_bytes(body[1:3])
            fields["curve"] = CURVES.get(group, f"unknown-{group}")
    if "version" in fields:
        fields["established"] = bool(others & more & _BEHIND)
    if chain:
        leaf = x509.parse(chain[0])
        fields |= {
            name: leaf[f"certificate.{name}"]
            for name in ("subject", "issuer", "serial")
            if f"certificate.{name}" in leaf
        }
        fields["cert_chain_fps"] = [x509.parse(one)["fingerprint"] for one in chain]
    return fields, chain


def hellos(client: bytes, server: bytes, transport: str = "t") -> dict[str, Any]:
    """Fields of ``ssl`` from the handshake messages of both sides; `transport` is ``t`` or ``q`` (QUIC)."""
    asked = next((hello(body, client=True) for kind, body in handshake(client)[:1] if kind == 1), None)
    answer = next((hello(body, client=False) for kind, body in handshake(server)[:1] if kind == 2), None)
    fields = _client(asked, transport) if asked is not None else {}
    if answer is not None:
        fields |= _server(answer)
        if asked is not None and answer.ciphers:
            fields["resumed"] = 41 in answer.extensions or bool(
                asked.session and asked.session == answer.session and not answer.versions
            )
    return fields


def records(data: bytes) -> tuple[bytes, int]:
    """The handshake in the records at the start of `data`, and a bit (1 << kind) for each other kind of record seen behind it."""
    joined = bytearray()
    at, kinds = 0, 0
    while at + 5 <= len(data) and data[at + 1] == 3 and 20 <= data[at] <= 23:
        size = int.from_bytes(data[at + 3 : at + 5])
        if data[at] != 22:
            kinds |= 1 << data[at]
        elif not kinds:
            joined += data[at + 5 : at + 5 + size]
        at += 5 + size
    return bytes(joined), kinds


def messages(data: bytes) -> list[tuple[int, bytes]]:
    """Handshake messages (kind, body) in the records at the start of `data`; the last one may be cut."""
    return handshake(records(data)[0])


def handshake(joined: bytes) -> list[tuple[int, bytes]]:
    """Handshake messages (kind, body), one behind the other; the last one may be cut."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at + 4 <= len(joined) and len(found) < MAX_MESSAGES:
        size = int.from_bytes(joined[at + 1 : at + 4])
        found.append((joined[at], bytes(joined[at + 4 : at + 4 + size])))
        at += 4 + size
    return found


def hello(body: bytes, client: bool) -> Hello:
    """A hello message as far as it goes."""
    found = Hello()
    try:
        cursor = Cursor(body)
        found.version = cursor.number(2)
        cursor.take(32)
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
        names.take(1)
        name = names.vector(2)
        found.name = name.take(name.left).decode("ascii", "replace")
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


def _client(asked: Hello, transport: str) -> dict[str, Any]:
    if not asked.ciphers:
        return {}
    ja3_of, ja4_of = _fingerprints(
        asked.version, tuple(asked.ciphers), tuple(asked.extensions), tuple(asked.groups), tuple(asked.formats),
        tuple(asked.signatures), tuple(asked.versions), tuple(asked.protocols[:1]), transport,
    )  # fmt: skip
    fields: dict[str, Any] = {"ja3": ja3_of, "ja4": ja4_of}
    if asked.name:
        fields["server_name"] = asked.name
    if asked.protocols:
        fields["client_protocols"] = [name.decode("ascii", "replace") for name in asked.protocols]
    return fields


@lru_cache(8192)
def _fingerprints(
    version: int,
    ciphers: tuple[int, ...],
    extensions: tuple[int, ...],
    groups: tuple[int, ...],
    formats: tuple[int, ...],
    signatures: tuple[int, ...],
    versions: tuple[int, ...],
    protocols: tuple[bytes, ...],
    transport: str,
) -> tuple[str, str]:
    """JA3 and JA4 of a hello that says this: a program says the same again and again."""
    asked = Hello(
        version, b"", list(ciphers), list(extensions), list(groups), list(formats), list(signatures), list(versions), list(protocols)
    )  # fmt: skip
    return digest(ja3(asked)), ja4(asked, transport)


@lru_cache(8192)
def _ja3s(version: int, cipher: int, extensions: tuple[int, ...]) -> str:
    return digest(f"{version},{cipher},{'-'.join(map(str, extensions))}")


def _server(answer: Hello) -> dict[str, Any]:
    if not answer.ciphers:
        return {}
    version = answer.versions[0] if answer.versions else answer.version
    fields: dict[str, Any] = {
        "version": VERSIONS.get(version, f"unknown-{version}"),
        "cipher": name_of(answer.ciphers[0]),
        "ja3s": _ja3s(answer.version, answer.ciphers[0], tuple(answer.extensions)),
    }
    if answer.groups:
        fields["curve"] = CURVES.get(answer.groups[0], f"unknown-{answer.groups[0]}")
    if answer.protocols:
        fields["next_protocol"] = answer.protocols[0].decode("ascii", "replace")
    return fields


def ja3(asked: Hello) -> str:
    """The text of which JA3 is the MD5."""
    lists = (asked.ciphers, asked.extensions, asked.groups, asked.formats)
    return ",".join((str(asked.version), *("-".join(map(str, plain(numbers))) for numbers in lists)))


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
