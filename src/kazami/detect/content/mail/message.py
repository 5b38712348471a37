"""A mail taken apart: headers decoded, parts with their names and bytes, whatever its maker did to the format.

The parser is the library's with ``policy.compat32``: the other policy is quadratic in the length of a header (a megabyte takes 25 s).
Headers are cut and parts are counted before anything is parsed, and nesting deeper than its recursion bears is an error that the
analyzer tells.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parseaddr
from typing import Any

from kazami.model.content import Gap, Limits

#: Declarations of boundaries that a mail may have: the library's time grows with their square.
_BOUNDARIES, _PARTS = 300, 1000
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
_FOLDED = re.compile(r"\r?\n[ \t]+")
_WORDS = re.compile(r"=\?[^?\s]{1,40}\?[bBqQ]\?[^?\s]*\?=")
_ENCODED_WORDS = 200  # of one header that are decoded


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a mail, or a mail in it: what it is called and declared as, and its bytes."""

    name: str
    type: str
    data: bytes = field(repr=False)
    attached: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of any format: headers in order, names in small letters; parts; what could not be read."""

    headers: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def all(self, name: str) -> list[str]:
        """Every header of this name, decoded, in order."""
        return [value for key, value in self.headers if key == name]

    def first(self, name: str) -> str:
        """The first header of this name, "" where there is none."""
        return next(iter(self.all(name)), "")

    @property
    def sender(self) -> tuple[str, str]:
        """Name and address of From."""
        name, address = parseaddr(self.first("from"))
        return name, address.lower()

    @property
    def recipients(self) -> list[str]:
        """Addresses of To and Cc."""
        return [
            address.lower() for _, address in getaddresses([*self.all("to")[:20], *self.all("cc")[:20]])[:500]
        ]

    @property
    def text(self) -> str:
        """What a person reads: text parts, pages without their tags."""
        said = []
        for part in self.parts:
            if not part.attached and part.type in ("text/plain", "text/html"):
                text = part.data.decode("utf-8", "replace")
                said.append(re.sub(r"<[^>]{0,2000}>", " ", text) if part.type == "text/html" else text)
        return "\n".join(said)[: 1 << 18]


def read(data: bytes, limits: Limits) -> Mail:
    """The mail in `data`. Raises RecursionError where it is nested deeper than can be followed."""
    gaps: list[Gap] = []
    head, body = split(data)
    if len(head) > limits.header * 4:
        gaps.append(Gap("limit", f"only the first {limits.header * 4:,} bytes of its headers looked at"))
        head = head[: limits.header * 4] + b"\n"
    if (count := len(_BOUNDARY.findall(data))) > _BOUNDARIES:
        gaps.append(Gap("limit", f"{count:,} boundaries of parts are declared; only headers are looked at"))
        body = b""
    if b"\n--" in body and body.count(b"\n--") > _PARTS * 20:
        gaps.append(
            Gap("limit", "more lines that may part it than any mail has; only the beginning is looked at")
        )
        body = body[: 4 << 20]
    message = email.message_from_bytes(head + b"\n" + body, policy=policy.compat32)
    headers = tuple((key.lower(), decoded(str(value)[: limits.header])) for key, value in message.items())
    parts = tuple(_parts(message, limits, gaps))
    return Mail(headers, parts, tuple(gaps))


def split(data: bytes) -> tuple[bytes, bytes]:
    """Headers, and what follows the first empty line."""
    match = re.search(rb"\r?\n\r?\n", data)
    return (data[: match.start()] + b"\n", data[match.end() :]) if match else (data, b"")


def decoded(value: str) -> str:
    """A header as a person reads it (RFC 2047), on one line."""
    value = _FOLDED.sub(" ", value)
    if "=?" not in value or len(_WORDS.findall(value)) > _ENCODED_WORDS:
        return value.strip()
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value.strip()
    return "".join(_piece(text, charset) for text, charset in pieces).strip()


def _piece(text: Any, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    try:
        return bytes(text).decode(charset or "utf-8", "replace")
    except LookupError:
        return bytes(text).decode("utf-8", "replace")


def _parts(message: Message, limits: Limits, gaps: list[Gap]) -> Iterator[Part]:
    """Leaves, and mails in the mail as wholes."""
    waiting: list[Message] = [message]
    count = 0
    while waiting:
        part = waiting.pop(0)
        kind = part.get_content_type()
        if count >= _PARTS:
            gaps.append(Gap("limit", f"only {_PARTS:,} parts looked at"))
            return
        count += 1
        if kind == "message/rfc822" and isinstance(part.get_payload(), list):
            inner = part.get_payload(0)
            yield Part(_name(part) or "message.eml", kind, _bytes(inner), attached=True)
        elif part.is_multipart():
            waiting += [inner for inner in part.get_payload() if isinstance(inner, Message)]
        else:
            data = part.get_payload(decode=True)
            yield _leaf(part, kind, data if isinstance(data, bytes) else b"", limits, gaps)


def _bytes(message: Any) -> bytes:
    try:
        return bytes(message.as_bytes())
    except (UnicodeError, KeyError, LookupError, AttributeError, ValueError):
        return str(message.get_payload()).encode("utf-8", "replace")


def _leaf(part: Message, kind: str, data: bytes, limits: Limits, gaps: list[Gap]) -> Part:
    name = _name(part)
    if len(data) > limits.file:
        gaps.append(Gap("limit", f"only the first {limits.file:,} of {len(data):,} bytes", name))
        data = data[: limits.file]
    attached = bool(name) or (part.get_content_disposition() == "attachment")
    if kind in ("text/plain", "text/html") and not attached:
        data = _piece(data, part.get_content_charset()).encode("utf-8", "replace")
    return Part(name, kind, data, attached)


def _name(part: Message) -> str:
    """The file name: of the disposition, else of the type; RFC 2231 and what mailers write instead."""
    try:
        return decoded(part.get_filename() or "")
    except (TypeError, ValueError, LookupError):
        return decoded(str(part.get("content-disposition", "")).partition("filename=")[2].strip('"; '))
