"""QUIC: versions and connection ids, and the hello messages in Initial packets, whose keys follow from what is in clear.

After RFC 9000, 9001 (version 1) and 9369 (version 2), and the drafts from 23 on. What is unpacked is not checked against its tag: only
a hello message in well-formed frames is believed. Of Google's QUIC the tags of a hello in clear are read.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from kazami.sources.network.capture.application import tls
from kazami.wire.cursor import Cursor, Short

#: Datagrams of one side, packets in one, and bytes of a hello that are looked at.
MAX_DATAGRAMS, MAX_PACKETS, MAX_HELLO = 8, 6, 1 << 14

_VERSION1, _VERSION2 = 1, 0x6B3343CF
_SALTS = {
    _VERSION1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", _VERSION2: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
    **dict.fromkeys(range(0xFF00001D, 0xFF000023), "afbfec289993d24c9e9786f19c6111e04390a899"),
    **dict.fromkeys(range(0xFF000017, 0xFF00001D), "c3eef712c72ebb5a11a7d2432bb46365bef9f502"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Initial:
    """The header of a long packet: version, connection ids, and for an Initial where its packet number and its end are."""

    version: int
    target: bytes
    source: bytes
    start: int
    number: int
    stop: int


def is_quic(client: bytes) -> bool:
    """Whether a datagram begins with a long header of a version that exists."""
    if len(client) < 21 or not client[0] & 0x80:
        return False
    version = int.from_bytes(client[1:5])
    return (version in _SALTS and client[5] <= 20 and len(client) >= 1200) or _google(client[1:5]) is not None


def parse(client: list[bytes], server: list[bytes]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of ``quic`` and of ``ssl`` of the datagrams of both sides; the latter may be empty."""
    if (name := _google(client[0][1:5])) is not None:
        return _old(name, client[0])
    first = _header(client[0], 0)
    if first is None:
        return {}, {}
    fields: dict[str, Any] = {
        "version": _name(first.version),
        "client_initial_dcid": first.target.hex(),
        "client_scid": first.source.hex(),
    }
    secret = hmac.digest(bytes.fromhex(_SALTS[first.version]), first.target, "sha256")
    asked = _hello(client, first.version, _expanded(secret, "client in", 32))
    answered = _hello(server, first.version, _expanded(secret, "server in", 32))
    back = _header(server[0], 0) if server else None
    if back is not None:
        fields["server_scid"] = back.source.hex()
    said = tls.hellos(asked, answered, "q")
    for theirs, ours in (("server_name", "server_name"), ("client_protocols", "client_protocol")):
        if theirs in said:
            value = said[theirs]
            fields[ours] = value[0] if isinstance(value, list) else value
    return fields, said


def _name(version: int) -> str:
    return {_VERSION1: "1", _VERSION2: "quicv2"}.get(version, f"draft-{version & 0xFF}")


def _header(data: bytes, at: int) -> Initial | None:
    """The long header at `at`; None where there is none of a version that is read."""
    cursor = Cursor(data, at)
    try:
        first, version = cursor.number(1), cursor.number(4)
        if not first & 0x80 or version not in _SALTS:
            return None
        target, source = cursor.vector(1), cursor.vector(1)
        ids = target.take(target.left), source.take(source.left)
        kind = (first >> 4 & 3) - (1 if version == _VERSION2 else 0)
        if kind == 0:
            token = _number(cursor)
            cursor.take(token)
        size = _number(cursor)
        return Initial(version, *ids, at if kind == 0 else -1, cursor.at, min(cursor.at + size, len(data)))
    except Short:
        return None


def _number(cursor: Cursor) -> int:
    first = cursor.number(1)
    size = (1 << (first >> 6)) - 1
    return (first & 0x3F) << 8 * size | (cursor.number(size) if size else 0)


def _expanded(secret: bytes, label: str, size: int) -> bytes:
    """HKDF-Expand-Label of TLS 1.3 with SHA-256, for up to 32 bytes."""
    name = b"tls13 " + label.encode()
    return hmac.digest(secret, size.to_bytes(2) + bytes((len(name),)) + name + b"\0\x01", "sha256")[:size]


def _hello(datagrams: list[bytes], version: int, secret: bytes) -> bytes:
    """The bytes of the handshake in Initial packets of one side, as far as they are without a gap."""
    prefix = "quicv2" if version == _VERSION2 else "quic"
    key, nonce, mask = (
        _expanded(secret, f"{prefix} {name}", size) for name, size in (("key", 16), ("iv", 12), ("hp", 16))
    )
    pieces: dict[int, bytes] = {}
    for data in datagrams[:MAX_DATAGRAMS]:
        at = 0
        for _ in range(MAX_PACKETS):
            header = _header(data, at)
            if header is None or header.stop <= at:
                break
            if header.start >= 0 and header.number + 20 <= header.stop:
                _frames(_opened(data, header, key, nonce, mask), pieces)
            at = header.stop
    whole = bytearray()
    for start in sorted(pieces):
        if start > len(whole) or len(whole) > MAX_HELLO:
            break
        whole += pieces[start][len(whole) - start :]
    return bytes(whole)


def _opened(data: bytes, header: Initial, key: bytes, nonce: bytes, mask: bytes) -> bytes:
    """The frames of an Initial packet."""
    from Cryptodome.Cipher import AES  # takes a while to load, and most captures hold no QUIC

    hidden = AES.new(mask, AES.MODE_ECB).encrypt(data[header.number + 4 : header.number + 20])
    size = ((data[header.start] ^ hidden[0]) & 3) + 1
    number = bytes(
        a ^ b for a, b in zip(data[header.number : header.number + size], hidden[1:], strict=False)
    )
    own = (int.from_bytes(nonce) ^ int.from_bytes(number)).to_bytes(12)
    stream = AES.new(key, AES.MODE_CTR, nonce=own, initial_value=2)  # GCM's plain text begins there
    return stream.decrypt(data[header.number + size : header.stop - 16])


def _frames(frames: bytes, pieces: dict[int, bytes]) -> None:
    """Keep what CRYPTO frames carry, by its place."""
    cursor = Cursor(frames)
    try:
        while cursor.left:
            kind = cursor.number(1)
            if kind == 6:
                place, size = _number(cursor), _number(cursor)
                pieces.setdefault(place, cursor.take(min(size, cursor.left)))
            elif kind in (2, 3):
                for _ in range(2):
                    _number(cursor)
                count = _number(cursor)
                for _ in range(1 + 2 * min(count, 256) + (3 if kind == 3 else 0)):
                    _number(cursor)
            elif kind > 1:
                return
    except Short:
        return  # what was read stays


def _google(version: bytes) -> str | None:
    """``Q046`` of the number of a version of Google's own QUIC."""
    return version.decode() if version[:1] == b"Q" and version[1:].isdigit() else None


def _old(name: str, client: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    fields: dict[str, Any] = {"version": name}
    at = client.find(b"CHLO")
    if at < 0 or at + 8 > len(client):
        return fields, {}
    tags = [
        client[place : place + 8]
        for place in range(
            at + 8, min(at + 8 + 8 * int.from_bytes(client[at + 4 : at + 6], "little"), len(client)), 8
        )
    ]
    values, begin = at + 8 + 8 * len(tags), 0
    for tag in tags:
        end = int.from_bytes(tag[4:], "little")
        if tag[:4] == b"SNI\0" and begin <= end:
            fields["server_name"] = client[values + begin : values + end].decode("ascii", "replace")[:255]
        begin = end
    text = f"{int(name[1:])},{'-'.join(tag[:4].rstrip(bytes(1)).decode('ascii', 'replace') for tag in tags)}"
    return {**fields, "cyu": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}, {}
