"""One request and its answer, and the buffers that rules see of them: as libhtp, which Suricata uses, normalizes them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

from kazami.detect.network.suricata.transform import percent

Headers = list[tuple[bytes, bytes]]

_NAME = re.compile(rb"""filename\*?\s*=\s*(?:"([^"]*)"|([^;\s]+))""", re.IGNORECASE)
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#]*)")
_WIDE = re.compile(rb"%[uU]([0-9a-fA-F]{4})")
_SLASHES = re.compile(rb"/{2,}")


class Message:
    """One side: `first` is its first line, `raw` its headers as they stand, `body` what could be decoded of the body."""

    __slots__ = ("body", "first", "headers", "host", "parts", "protocol", "raw", "words")

    def __init__(self, first: bytes, words: tuple[bytes, bytes, bytes], raw: bytes, headers: Headers) -> None:
        self.first, self.words, self.raw, self.headers = first, words, raw, headers
        self.body = b""
        self.parts: list[tuple[bytes, bytes]] | None = None  # files in a form: name and content

    def header(self, name: bytes) -> bytes | None:
        """A header by its name in small letters."""
        return next((value for key, value in self.merged() if key.lower() == name), None)

    def merged(self) -> Headers:
        """Headers as libhtp has them: those of one name joined, but for lengths, of which the first counts."""
        values: dict[bytes, list[bytes]] = {}
        names: dict[bytes, bytes] = {}
        for name, value in self.headers:
            key = name.lower()
            names.setdefault(key, name)
            if key not in values or key != b"content-length":
                values.setdefault(key, []).append(value)
        return [(names[key], b", ".join(found)) for key, found in values.items()]


class Transfer:
    """A request and its answer, each as far as it came."""

    __slots__ = ("_hashes", "answer", "request")

    def __init__(self, request: Message | None = None) -> None:
        self.request = request
        self.answer: Message | None = None
        self._hashes: dict[tuple[str, int], bytes] = {}

    def values(self, name: str, side: int) -> Sequence[bytes] | None:
        """The values of a buffer in one direction; None where it is absent."""
        message = self.answer if side else self.request
        if message is None:
            return None
        if name.startswith("file."):
            return self._file(name, side, message)
        many = _MANY.get(name)
        if many is not None:
            return many(message) or None
        one = (_ANSWER if side else _REQUEST).get(name) or _BOTH.get(name)
        found = one(message) if one is not None else None
        return None if found is None else (found,)

    def _file(self, name: str, side: int, message: Message) -> Sequence[bytes] | None:
        files = self._files(side, message)
        if not files:
            return (message.body,) if name == "file.data" and message.body else None
        if name == "file.data":
            return [content for _, content in files]
        if name == "file.name":
            return [called for called, _ in files]
        if name == "file.size":
            return [str(len(content)).encode() for _, content in files]
        kind = name.partition(".")[2]
        return [
            hashlib.new(kind, content, usedforsecurity=False).hexdigest().encode() for _, content in files
        ]

    def _files(self, side: int, message: Message) -> list[tuple[bytes, bytes]]:
        if message.parts is not None:
            return message.parts
        if not message.body:
            return []
        if not side and message.words[0] not in (b"PUT", b"POST"):
            return []
        return [(self._called(message), message.body)]

    def _called(self, message: Message) -> bytes:
        found = _NAME.search(message.header(b"content-disposition") or b"")
        if found is not None:
            return found[1] or found[2] or b""
        return uri(self.request).partition(b"?")[0] if self.request is not None else b""


def uri(message: Message | None) -> bytes:
    """The normalized URI: without scheme and host, escapes undone, path tidied."""
    if message is None:
        return b""
    raw = message.words[1]
    found = _ABSOLUTE.match(raw)
    if found is not None:
        raw = raw[found.end() :] or b"/"
    path, mark, query = raw.partition(b"?")
    path = percent(_WIDE.sub(_narrow, path)).replace(b"\\", b"/")
    path = _tidy(_SLASHES.sub(b"/", path))
    return path + (mark + percent(query) if mark else b"")


def _narrow(found: re.Match[bytes]) -> bytes:
    """What ``%uXXXX`` stands for, in one byte: wide forms of letters as these."""
    code = int(found[1], 16)
    code -= 0xFEE0 if 0xFF01 <= code <= 0xFF5E else 0
    return bytes((code,)) if code < 256 else b"?"


def _tidy(path: bytes) -> bytes:
    """Without steps to the same or the parent folder (RFC 3986, 5.2.4)."""
    if b"/." not in path:
        return path
    made: list[bytes] = []
    parts = path.split(b"/")
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if part == b"..":
            if len(made) > 1:
                made.pop()
            if last:
                made.append(b"")
        elif part == b".":
            if last:
                made.append(b"")
        else:
            made.append(part)
    return b"/".join(made)


def _host(message: Message) -> bytes | None:
    found = _raw_host(message)
    if found is None:
        return None
    return _portless(found.strip().lower()).rstrip(b".")


def _portless(host: bytes) -> bytes:
    return host if host.startswith(b"[") else host.partition(b":")[0]


def _raw_host(message: Message) -> bytes | None:
    found = _ABSOLUTE.match(message.words[1])
    if found is not None:
        return _portless(found[1])
    if message.words[0] == b"CONNECT":
        return _portless(message.words[1])
    return message.header(b"host")


def _normalized(message: Message) -> bytes | None:
    """Headers but for cookies, one a line."""
    lines = [
        name + b": " + value
        for name, value in message.merged()
        if name.lower() not in (b"cookie", b"set-cookie")
    ]
    return b"\r\n".join([*lines, b""]) if lines else None


def _names(message: Message) -> bytes | None:
    if not message.headers:
        return None
    return b"\r\n" + b"\r\n".join(name for name, _ in message.merged()) + b"\r\n\r\n"


def _start(message: Message) -> bytes:
    return b"\r\n".join([message.first, *_lines(message), b"", b""])


def _of(name: bytes) -> Callable[[Message], bytes | None]:
    return lambda message: message.header(name)


def _lines(message: Message) -> list[bytes]:
    return [name + b": " + value for name, value in message.merged()]


One = Callable[[Message], "bytes | None"]

_REQUEST: dict[str, One] = {
    "http.method": lambda m: m.words[0], "http.uri": uri, "http.uri.raw": lambda m: m.words[1], "http.protocol": lambda m: m.words[2],
    "http.user_agent": _of(b"user-agent"), "http.host": _host, "http.host.raw": _raw_host, "http.request_line": lambda m: m.first,
    "http.request_body": lambda m: m.body or None, "http.cookie": _of(b"cookie"), "http.accept": _of(b"accept"),
    "http.accept_enc": _of(b"accept-encoding"), "http.accept_lang": _of(b"accept-language"), "http.referer": _of(b"referer"),
}  # fmt: skip
_ANSWER: dict[str, One] = {
    "http.protocol": lambda m: m.words[0], "http.stat_code": lambda m: m.words[1], "http.stat_msg": lambda m: m.words[2],
    "http.response_line": lambda m: m.first, "http.response_body": lambda m: m.body or None, "http.cookie": _of(b"set-cookie"),
    "http.server": _of(b"server"), "http.location": _of(b"location"),
}  # fmt: skip
_BOTH: dict[str, One] = {
    "http.header": _normalized, "http.header.raw": lambda m: m.raw or None, "http.header_names": _names, "http.start": _start,
    "http.content_type": _of(b"content-type"), "http.content_len": _of(b"content-length"), "http.connection": _of(b"connection"),
}  # fmt: skip
_MANY: dict[str, Callable[[Message], list[bytes]]] = {
    "http.request_header": _lines,
    "http.response_header": _lines,
}

__all__ = ["Message", "Transfer", "uri"]
