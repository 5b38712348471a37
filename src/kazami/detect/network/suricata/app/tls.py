"""TLS: both hellos, the server's certificates, JA3, JA3S and the client's JA4.

JA3 after Salesforce's description (2017); JA4 for clients after FoxIO's technical details (BSD licence).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kazami.detect.network.suricata.app import certificate
from kazami.detect.network.suricata.app.parser import Exchange, Said
from kazami.wire.hello import Hello, digest, hello, ja3, ja3s, ja4, plain

#: Bytes of handshake messages of one side that are kept, messages and certificates that are read.
MAX_KEPT, MAX_MESSAGES, MAX_CERTIFICATES = 131_072, 32, 16

_VERSIONS = {
    0x0002: b"SSLv2",
    0x0300: b"SSLv3",
    0x0301: b"TLS 1.0",
    0x0302: b"TLS 1.1",
    0x0303: b"TLS 1.2",
    0x0304: b"TLS 1.3",
}
_CLIENT, _SERVER, _CERTIFICATE, _DONE = 1, 2, 11, 14


def is_tls(data: bytes) -> bool:
    """Whether a side begins with a record of TLS, or with the hello of SSL 2."""
    if len(data) >= 6 and data[0] in (0x16, 0x15) and data[1] == 3 and data[2] <= 4:
        return data[0] == 0x15 or data[5] in (1, 2)
    return (
        len(data) > 11
        and bool(data[0] & 0x80)
        and data[2] == 1
        and data[3] in (0, 3)
        and data[4] <= 3
        and data[1] > 8
    )


class Tls:
    """Follows one connection until it is encrypted."""

    def __init__(self) -> None:
        self.name = "tls"
        self.over = False
        self._records = [bytearray(), bytearray()]
        self._messages = [bytearray(), bytearray()]
        self._values: list[dict[str, Sequence[bytes]]] = [{}, {}]
        self._told = [False, False]
        self._hello: list[Hello | None] = [None, None]

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes that come next on one side."""
        if self._told[side]:
            self.over = self.over or (self._told[1 - side] and data[:1] == b"\x17")
            return []
        records = self._records[side]
        records += data
        if not self._values[side] and records[:1] and records[0] & 0x80:
            self._second(side, bytes(records))
            return self._tell(side)
        while len(records) >= 5 and not self._told[side]:
            size = records[3] << 8 | records[4]
            if len(records) < 5 + size:
                return self._tell(side) if len(records) > MAX_KEPT else []
            kind, body = records[0], bytes(records[5 : 5 + size])
            del records[: 5 + size]
            if kind != 0x16 or self._handshake(side, body):
                return self._tell(side)
        return []

    def gap(self, side: int) -> list[Exchange]:
        """What is there is all."""
        return self._tell(side)

    def finish(self) -> list[Exchange]:
        """What is not whole is told as it is."""
        return [*self._tell(0), *self._tell(1)]

    def _tell(self, side: int) -> list[Exchange]:
        self._records[side].clear()
        self._messages[side].clear()
        if self._told[side] or not self._values[side]:
            return []
        self._told[side] = True
        said = self._hello[side]
        later = partial(_prints, said, not side) if said is not None else None
        return [(Said(self._values[side], later), side)]

    def _handshake(self, side: int, body: bytes) -> bool:
        """Take what a record holds; True when nothing more is wanted of this side."""
        waiting = self._messages[side]
        waiting += body
        for _ in range(MAX_MESSAGES):
            if len(waiting) < 4:
                return False
            size = int.from_bytes(waiting[1:4])
            if len(waiting) < 4 + size:
                return len(waiting) > MAX_KEPT
            kind, message = waiting[0], bytes(waiting[4 : 4 + size])
            del waiting[: 4 + size]
            if self._message(side, kind, message):
                return True
        return True

    def _message(self, side: int, kind: int, message: bytes) -> bool:
        values = self._values[side]
        if kind in (_CLIENT, _SERVER):
            said = hello(message, kind == _CLIENT)
            self._hello[side] = said
            if said.name is not None and kind == _CLIENT:
                values["tls.sni"] = (said.name,)
            if said.protocols:
                values["tls.alpn"] = said.protocols
            values["tls.random"] = (said.random,)
            values["tls.random_time"], values["tls.random_bytes"] = (said.random[:4],), (said.random[4:],)
            values["tls.version"] = (
                _VERSIONS.get(max(plain(said.versions), default=said.version), b"unknown"),
            )
            values["tls.state"] = (b"client_hello" if kind == _CLIENT else b"server_hello",)
            return kind == _CLIENT
        if kind == _CERTIFICATE:
            values |= _certificates(message)
        return kind == _DONE

    def _second(self, side: int, data: bytes) -> None:
        """The hello of SSL 2, which may offer SSL 3 and TLS."""
        version = int.from_bytes(data[3:5])
        self._values[side] = {
            "tls.version": (_VERSIONS.get(version, b"unknown"),),
            "tls.state": (b"client_hello",),
        }


def _prints(said: Hello, client: bool) -> dict[str, Sequence[bytes]]:
    """Fingerprints of a hello."""
    text = ja3(said) if client else ja3s(said)
    digested = digest(text).encode()
    if not client:
        return {"ja3s.string": (text.encode(),), "ja3s.hash": (digested,)}
    return {"ja3.string": (text.encode(),), "ja3.hash": (digested,), "ja4.hash": (ja4(said).encode(),)}


def _certificates(message: bytes) -> dict[str, Sequence[bytes]]:
    found: list[bytes] = []
    at = 3
    while at + 3 <= len(message) and len(found) < MAX_CERTIFICATES:
        size = int.from_bytes(message[at : at + 3])
        found.append(message[at + 3 : at + 3 + size])
        at += 3 + size
    if not found:
        return {}
    return {
        **certificate.read(found[0]),
        "tls.certs": found,
        "tls.cert_chain_len": (str(len(found)).encode(),),
    }
