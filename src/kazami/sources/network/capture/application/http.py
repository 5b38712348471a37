"""HTTP/1: the requests and answers at the start of a flow, each pair one record, and the bodies between them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: Requests of one flow, headers of one message, and pieces of one body that are looked at.
MAX_REQUESTS, MAX_HEADERS, MAX_PIECES = 500, 100, 1000

_REQUEST = re.compile(rb"([A-Z][A-Z_-]{2,19}) ([^ \r\n]{1,8192}) HTTP/(\d\.\d)\r?\n")
_ANSWER = re.compile(rb"HTTP/(\d\.\d) (\d{3})(?: ([^\r\n]{0,200}))?\r?\n")
_FIELDS = {
    b"host": "host",
    b"user-agent": "user_agent",
    b"referer": "referrer",
    b"origin": "origin",
    b"cookie": "cookie",
}
_PROXIED = frozenset(
    (
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-from",
        b"client-ip",
        b"via",
        b"xroxy-connection",
        b"proxy-connection",
    )
)
_NAME = re.compile(rb'filename="?([^";]{1,255})')
_BARE = frozenset((b"204", b"304"))

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Body:
    """What followed a message's headers, as far as it is there; `total` is None where nobody says how long it is."""

    data: bytes
    total: int | None
    name: str = ""


def is_http(client: bytes) -> bool:
    """Whether a client begins with a request."""
    return _REQUEST.match(client) is not None


def parse(client: bytes, server: bytes) -> list[dict[str, Any]]:
    """Fields of ``http`` for each request in the first bytes of a client, with its answer where that is there too.

    ``#at`` is where the request begins; ``#sent`` and ``#got`` are the bodies of both, where there are any.
    """
    asked = list(_requests(client))
    answers = list(_answers(server, [fields["method"] for fields in asked]))
    records = []
    for depth, fields in enumerate(asked, 1):
        answer = answers[depth - 1] if depth <= len(answers) else {}
        records.append({"trans_depth": depth, **fields, **answer})
    return records


def _requests(data: bytes) -> Iterator[dict[str, Any]]:
    at = 0
    for _ in range(MAX_REQUESTS):
        found = _REQUEST.match(data, at)
        if found is None:
            return
        headers, behind = _headers(data, found.end())
        fields: dict[str, Any] = {
            "#at": at,
            "method": found[1].decode(),
            "uri": found[2].decode("utf-8", "replace"),
            "version": found[3].decode(),
            "client_header_names": [name.decode("latin-1").upper() for name, _ in headers],
        }
        for name, value in headers:
            lower = name.lower()
            if lower in _FIELDS:
                fields.setdefault(_FIELDS[lower], value.decode("utf-8", "replace"))
            elif lower in _PROXIED:
                fields.setdefault("proxied", []).append(
                    f"{name.decode('latin-1').upper()} -> {value.decode('utf-8', 'replace')}"
                )
            elif lower == b"authorization" and (user := _user(value)):
                fields["username"] = user
        body, at = _body(data, behind, headers, found[1] == b"CONNECT")
        fields["request_body_len"] = body.total if body.total is not None else 0
        if body.data:
            fields["#sent"] = body
        yield fields


def _user(value: bytes) -> str:
    """The account of HTTP's basic authentication; no password is kept."""
    kind, _, encoded = value.partition(b" ")
    if kind.lower() != b"basic":
        return ""
    try:
        return base64.b64decode(encoded).partition(b":")[0].decode("utf-8", "replace")[:255]
    except binascii.Error:
        return ""


def _answers(data: bytes, methods: list[str]) -> Iterator[dict[str, Any]]:
    at, count = 0, 0
    for _ in range(2 * MAX_REQUESTS):
        found = _ANSWER.match(data, at)
        if found is None or count > MAX_REQUESTS:
            return
        headers, at = _headers(data, found.end())
        status = int(found[2])
        if 100 <= status < 200 and status != 101:
            continue
        fields: dict[str, Any] = {"status_code": status, "status_msg": (found[3] or b"").decode("latin-1")}
        if kind := _header(headers, b"content-type"):
            fields["resp_mime_types"] = [kind.partition(b";")[0].strip().decode("latin-1")]
        if server := _header(headers, b"server"):
            fields["server"] = server.decode("latin-1")
        realm = _header(headers, b"www-authenticate")
        if realm and realm[:5].lower() in (b"basic", b"diges"):
            fields["www_authenticate"] = realm.decode("latin-1")[:300]
        method = methods[count] if count < len(methods) else ""
        count += 1
        bare = found[2] in _BARE or method == "HEAD" or (method == "CONNECT" and status == 200)
        body, at = _body(data, at, headers, bare, is_answer=True)
        fields["response_body_len"] = body.total if body.total is not None else len(body.data)
        if body.data:
            fields["#got"] = body
        yield fields


def _headers(data: bytes, at: int) -> tuple[Headers, int]:
    headers: Headers = []
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


def _header(headers: Headers, wanted: bytes) -> bytes:
    return next((value for name, value in headers if name.lower() == wanted), b"")


def _body(data: bytes, at: int, headers: Headers, bare: bool, is_answer: bool = False) -> tuple[Body, int]:
    """The body at `at`, and where the next message begins."""
    if bare:
        return Body(b"", 0), at
    said = _NAME.search(_header(headers, b"content-disposition"))
    name = said[1].decode("utf-8", "replace") if said else ""
    if b"chunked" in _header(headers, b"transfer-encoding").lower():
        return _chunks(data, at, name)
    length = _header(headers, b"content-length")
    if length.isdigit() and len(length) < 19:
        return Body(data[at : at + int(length)], int(length), name), at + int(length)
    if is_answer and b"upgrade" not in _header(headers, b"connection").lower():
        return Body(data[at:], None, name), len(data)
    return Body(b"", 0), at


def _chunks(data: bytes, at: int, name: str) -> tuple[Body, int]:
    pieces: list[bytes] = []
    for _ in range(MAX_PIECES):
        end = data.find(b"\n", at, at + 100)
        word = data[at:end].partition(b";")[0].strip() if end >= 0 else b""
        if not word or len(word) > 8 or word.strip(b"0123456789abcdefABCDEF"):
            break
        size = int(word, 16)
        if size == 0:
            whole = b"".join(pieces)
            after = data.find(b"\n", end + 1)
            return Body(whole, len(whole), name), after + 1 if after >= 0 else len(data)
        pieces.append(data[end + 1 : end + 1 + size])
        at = end + 1 + size
        at += 2 if data[at : at + 1] == b"\r" else 1
    return Body(b"".join(pieces), None, name), len(data)
