"""HTTP/2 in clear (RFC 9113): requests and their answers in Zeek's words of HTTP. Headers are unpacked by hpack (RFC 7541)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: What a client begins with.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

#: Frames of one side that are read, and bytes of the headers of one request.
MAX_FRAMES, MAX_HEADERS = 2000, 65536

_HEADERS, _CONTINUATION = 1, 9
_LAST, _PADDED, _PRIORITY = 4, 8, 32
_FIELDS = {
    b":method": "method", b":authority": "host", b"host": "host", b":path": "uri", b"user-agent": "user_agent", b"referer": "referrer",
    b"origin": "origin", b"cookie": "cookie",
}  # fmt: skip


def is_http2(client: bytes) -> bool:
    """Whether a client begins with the preface."""
    return client.startswith(PREFACE)


def parse(client: bytes, server: bytes) -> list[dict[str, Any]]:
    """Fields of ``http`` for each request in the first bytes of a client; ``#at`` is where it begins."""
    answers: dict[int, dict[bytes, bytes]] = {}
    for _, stream, headers in _blocks(server, 0):
        if not headers.get(b":status", b"1").startswith(b"1"):
            answers.setdefault(stream, headers)
    records: list[dict[str, Any]] = []
    for at, stream, headers in _blocks(client, len(PREFACE)):
        if b":method" not in headers:
            continue
        fields: dict[str, Any] = {"trans_depth": len(records) + 1, "#at": at, "version": "2"}
        for name, field in _FIELDS.items():
            if name in headers:
                fields.setdefault(field, headers[name].decode("utf-8", "replace"))
        fields["client_header_names"] = [
            name.decode("latin-1").upper() for name in headers if name[:1] != b":"
        ]
        status = answers.get(stream, {}).get(b":status", b"")
        if status.isdigit():
            fields["status_code"] = int(status[:3])
        records.append(fields)
    return records


def _blocks(data: bytes, start: int) -> Iterator[tuple[int, int, dict[bytes, bytes]]]:
    """Place, stream and headers of each whole block of headers. One that cannot be unpacked ends them: all later ones build on it."""
    from hpack import Decoder, HPACKError

    decoder = Decoder(MAX_HEADERS)
    begun, stream, block = start, 0, b""
    for at, kind, flags, number, payload in _frames(data, start):
        if kind == _HEADERS:
            begun, stream, block = at, number, _bare(payload, flags)
        elif kind == _CONTINUATION and number == stream and len(block) <= MAX_HEADERS:
            block += payload
        else:
            continue
        if not flags & _LAST:
            continue
        try:
            pairs = list(decoder.decode(block, raw=True))
        except HPACKError:
            return
        headers: dict[bytes, bytes] = {}
        for name, value in pairs:
            headers.setdefault(bytes(name), bytes(value))
        yield begun, stream, headers


def _frames(data: bytes, at: int) -> Iterator[tuple[int, int, int, int, bytes]]:
    """Place, kind, flags, stream and payload of each frame that is there whole."""
    for _ in range(MAX_FRAMES):
        size = int.from_bytes(data[at : at + 3])
        if at + 9 + size > len(data):
            return
        yield (
            at,
            data[at + 3],
            data[at + 4],
            int.from_bytes(data[at + 5 : at + 9]) & 0x7FFFFFFF,
            data[at + 9 : at + 9 + size],
        )
        at += 9 + size


def _bare(payload: bytes, flags: int) -> bytes:
    """The headers in a frame, without padding and priority (6.2)."""
    start, stop = 0, len(payload)
    if flags & _PADDED and payload:
        start, stop = 1, max(1, stop - payload[0])
    return payload[start + (5 if flags & _PRIORITY else 0) : stop]
