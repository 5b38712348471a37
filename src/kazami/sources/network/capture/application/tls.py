"""TLS: what the handshake of both sides says, in Zeek's words."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from kazami.sources.network.capture.application import x509
from kazami.sources.network.capture.application.cipher_suite import CURVES, name_of
from kazami.wire.hello import Hello, digest, hello, ja3, ja3s, ja4

VERSIONS = {
    0x0300: "SSLv3",
    0x0301: "TLSv10",
    0x0302: "TLSv11",
    0x0303: "TLSv12",
    0x0304: "TLSv13",
    0x0002: "SSLv2",
}
#: Records that say that the handshake was done: the change of ciphers, and data.
_BEHIND = 1 << 20 | 1 << 23

#: Handshake messages of one side that are looked at.
MAX_MESSAGES = 20


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


def _client(asked: Hello, transport: str) -> dict[str, Any]:
    if not asked.ciphers:
        return {}
    ja3_of, ja4_of = _fingerprints(
        asked.version, tuple(asked.ciphers), tuple(asked.extensions), tuple(asked.groups), tuple(asked.formats),
        tuple(asked.signatures), tuple(asked.versions), tuple(asked.protocols[:1]), transport,
    )  # fmt: skip
    fields: dict[str, Any] = {"ja3": ja3_of, "ja4": ja4_of}
    if asked.name:
        fields["server_name"] = asked.name.decode("ascii", "replace")
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
        version, b"", b"", list(ciphers), list(extensions), list(groups), list(formats), list(signatures), list(versions), list(protocols)
    )  # fmt: skip
    return digest(ja3(asked)), ja4(asked, transport)


@lru_cache(8192)
def _ja3s(version: int, cipher: int, extensions: tuple[int, ...]) -> str:
    return digest(ja3s(Hello(version, ciphers=[cipher], extensions=list(extensions))))


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
