"""What recognisers look at, and what they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Conversation:
    """The beginning of one flow: bytes of both directions in their order, without gaps.

    `client` is who began. The sizes are those of the payloads of the first packets, where they are known; `port` is the
    server's, 0 where it is not known; `protocol` is ``tcp`` or ``udp``.
    """

    client: bytes
    server: bytes = b""
    protocol: str = "tcp"
    port: int = 0
    client_sizes: tuple[int, ...] = ()
    server_sizes: tuple[int, ...] = ()

    @property
    def sides(self) -> tuple[tuple[str, bytes, tuple[int, ...]], ...]:
        """Name, bytes and sizes of both directions."""
        return ("client", self.client, self.client_sizes), ("server", self.server, self.server_sizes)

    def after(self, client: int, server: int) -> Conversation:
        """What comes behind so many bytes of both directions."""
        return replace(
            self,
            client=self.client[client:],
            server=self.server[server:],
            client_sizes=_after(self.client_sizes, client),
            server_sizes=_after(self.server_sizes, server),
        )


def _after(sizes: tuple[int, ...], skipped: int) -> tuple[int, ...]:
    for place, size in enumerate(sizes):
        if size > skipped:
            return size - skipped, *sizes[place + 1 :]
        skipped -= size
    return ()


def ends_at(data: bytes, sizes: tuple[int, ...], place: int) -> bool:
    """Whether a packet ends at `place`, however what is before it was cut; without sizes, whether the bytes do."""
    return place in accumulate(sizes) if sizes else len(data) == place


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a conversation is of a family: where (`side`, `offset` in its bytes) and what was decoded.

    `confidence` is ``high`` (cannot be chance), ``medium`` (a form that others could have) or ``low`` (worth a look).
    """

    family: str
    form: str
    confidence: str
    side: str
    offset: int
    fields: Mapping[str, str] = field(default_factory=dict)


def http_body(data: bytes) -> tuple[bytes, int] | None:
    """The head of an HTTP request or answer, and where its body begins; None where it is none or not whole."""
    end = data.find(b"\r\n\r\n", 0, 16384)
    if end < 0 or b"HTTP/1." not in data[: max(0, data.find(b"\r\n"))]:
        return None
    return data[:end], end + 4


def header_lines(head: bytes) -> list[tuple[str, str]]:
    """Names and values of the headers in `head`, in their order, behind its first line."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return [(name, value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]


def rc4(key: bytes, data: bytes) -> bytes:
    """RC4 over a few bytes; it is here to read old malware, and protects nothing."""
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 255
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) & 255
        j = (j + state[i]) & 255
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) & 255])
    return bytes(out)


def is_dense(data: bytes) -> bool:
    """Whether bytes look encrypted: nearly as many different ones as chance would give, and few that repeat."""
    if len(data) < 32:
        return False
    expected = 256 * (1 - (1 - 1 / 256) ** len(data))
    return len(set(data)) >= 0.85 * expected


def is_known_protocol(data: bytes) -> bool:
    """Whether bytes begin as TLS, SSH, RDP, SMB, DCE/RPC, HTTP or another protocol that names itself."""
    return (data[:1] in (b"\x14", b"\x15", b"\x16", b"\x17") and data[1:2] == b"\x03") or data.startswith(
        (b"SSH-", b"\x03\x00\x00", b"\xffSMB", b"GET ", b"POST ", b"HEAD ", b"PUT ", b"CONNECT ", b"HTTP/", b"220", b"RFB ",
         b"EHLO", b"HELO", b"USER ", b"\x13BitTorrent", b"OPTIONS ", b"PRI * HTTP")
    ) or data[4:8] in (b"\xffSMB", b"\xfeSMB") or (data[:2] == b"\x05\0" and data[4:8] == b"\x10\0\0\0")  # fmt: skip
