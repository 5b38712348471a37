"""HTTP/1: the requests and answers at the start of a flow, each pair one record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

#: Requests of one flow, and headers of one message, that are looked at.
MAX_REQUESTS, MAX_HEADERS = 32, 100

_REQUEST = re.compile(rb"([A-Z][A-Z_-]{2,19}) ([^ \r\n]{1,8192}) HTTP/(\d\.\d)\r?\n")
_ANSWER = re.compile(rb"HTTP/(\d\.\d) (\d{3})(?: ([^\r\n]{0,200}))?\r?\n")
_FIELDS = {
    b"host": "host",
    b"user-agent": "user_agent",
    b"referer": "referrer",
    b"origin": "origin",
    b"cookie": "cookie",
}


def is_http(client: bytes) -> bool:
    """Whether a client begins with a request."""
    return _REQUEST.match(client) is not None


def parse(client: bytes, server: bytes) -> list[dict[str, Any]]:
    """Fields of ``http`` for each request in the first bytes of a client, with its answer where that is there too."""
    answers = list(_answers(server))
    records = []
    for depth, fields in enumerate(_requests(client), 1):
        answer = answers[depth - 1] if depth <= len(answers) else {}
        records.append({"trans_depth": depth, **fields, **answer})
    return records


def _requests(data: bytes) -> Iterator[dict[str, Any]]:
    at = 0
    for _ in range(MAX_REQUESTS):
        found = _REQUEST.match(data, at)
        if found is None:
            return
        headers, at = _headers(data, found.end())
        fields: dict[str, Any] = {
            "method": found[1].decode(),
            "uri": found[2].decode("utf-8", "replace"),
            "version": found[3].decode(),
            "client_header_names": [name.decode("latin-1").upper() for name, _ in headers],
        }
        for name, value in headers:
            if name.lower() in _FIELDS:
                fields.setdefault(_FIELDS[name.lower()], value.decode("utf-8", "replace"))
        size = _length(headers)
        fields["request_body_len"] = size
        yield fields
        at += size


def _answers(data: bytes) -> Iterator[dict[str, Any]]:
    at = 0
    for _ in range(MAX_REQUESTS):
        found = _ANSWER.match(data, at)
        if found is None:
            return
        headers, at = _headers(data, found.end())
        status = int(found[2])
        if 100 <= status < 200:
            continue
        fields: dict[str, Any] = {"status_code": status, "status_msg": (found[3] or b"").decode("latin-1")}
        kinds = [value for name, value in headers if name.lower() == b"content-type"]
        if kinds:
            fields["resp_mime_types"] = [kinds[0].partition(b";")[0].strip().decode("latin-1")]
        servers = [value for name, value in headers if name.lower() == b"server"]
        if servers:
            fields["server"] = servers[0].decode("latin-1")
        size = _length(headers)
        fields["response_body_len"] = size
        yield fields
        at += size


def _headers(data: bytes, at: int) -> tuple[list[tuple[bytes, bytes]], int]:
    headers: list[tuple[bytes, bytes]] = []
    while len(headers) < MAX_HEADERS:
        end = data.find(b"\n", at)
        if end < 0:
            return headers, len(data)
        line = data[at:end].rstrip(b"\r")
        at = end + 1
        if not line:
            break
        name, colon, value = line.partition(b":")
        if colon:
            headers.append((name.strip(), value.strip()))
    return headers, at


def _length(headers: list[tuple[bytes, bytes]]) -> int:
    value = next((value for name, value in headers if name.lower() == b"content-length"), b"0")
    return int(value) if value.isdigit() and len(value) < 19 else 0
