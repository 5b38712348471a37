"""A mail taken apart: headers decoded, parts with their names and bytes, whatever its maker did to the format.

The parser is the library's with ``policy.compat32``: the other policy is quadratic in the length of a header (a megabyte takes 25 s).
Headers are cut and parts are counted before anything is parsed, and nesting deeper than its recursion bears is an error that the
analyzer tells.
"""

from __future__ import annotations

import binascii
import email
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parseaddr, parsedate_to_datetime
from typing import Any

from kazami.archive.name import decoded as guessed
from kazami.model.content import Gap, Limits

#: Declarations of boundaries that a mail may have: the library's time grows with their square.
_BOUNDARIES, _PARTS = 300, 1000
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to")
_FOLDED = re.compile(r"\r?\n[ \t]+")
_WORDS = re.compile(r"=\?[^?\s]{1,40}\?[bBqQ]\?[^?\s]*\?=")
_ENCODED_WORDS = 200  # of one header that are decoded
_TYPE = re.compile(rb"^content-type[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n", re.IGNORECASE | re.MULTILINE)
_INLINE = re.compile(r"</?(?:a|b|big|em|font|i|small|span|strong|tt|u)\b[^>]{0,2000}>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,2000}>")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a mail, or a mail in it: what it is called and declared as, and its bytes."""

    name: str
    type: str
    data: bytes = field(repr=False)
    attached: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of any format: headers in order, names in small letters; parts; what could not be read; whether it declares two structures."""

    headers: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...] = ()
    gaps: tuple[Gap, ...] = ()
    ambiguous: bool = False

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
    def sent(self) -> str:
        """When it came, by the header that the last server wrote, else when its sender says that it was sent; "" for neither."""
        said = [value.rpartition(";")[2] for value in self.all("received")[:1]]
        return next((iso for text in [*said, self.first("date")] if (iso := _moment(text))), "")

    @property
    def about(self) -> dict[str, str]:
        """What it says of itself. Whom it was delivered to comes before whom it is addressed to."""
        delivered = [parseaddr(self.first(name))[1].lower() for name in _DELIVERED]
        told = {
            "sent": self.sent,
            "from": self.sender[1],
            "to": " ".join(dict.fromkeys(one for one in [*delivered, *self.recipients] if one)),
            "subject": self.first("subject"),
        }
        return {name: value[:1000] for name, value in told.items() if value}

    @property
    def text(self) -> str:
        """What a person reads: text parts, pages without their tags."""
        said = []
        for part in self.parts:
            if not part.attached and part.type in ("text/plain", "text/html"):
                text = part.data.decode("utf-8", "replace")
                said.append(_without_tags(text) if part.type == "text/html" else text)
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
    headers = tuple((key.lower(), decoded(str(value)[: limits.header])) for key, value in message.raw_items())
    parts = list(_parts(message, limits, gaps))
    if len(types := dict.fromkeys(_TYPE.findall(head))) > 1:  # which one counts, mail programs do not agree
        last = email.message_from_bytes(
            _TYPE.sub(b"", head) + list(types)[-1] + b"\n" + body, policy=policy.compat32
        )
        parts += (part for part in _parts(last, limits, gaps) if part not in parts)
    return Mail(headers, tuple(parts), tuple(gaps), len(types) > 1)


def split(data: bytes) -> tuple[bytes, bytes]:
    """Headers, and what follows the first empty line."""
    match = re.search(rb"\r?\n\r?\n", data)
    return (data[: match.start()] + b"\n", data[match.end() :]) if match else (data, b"")


def _moment(text: str) -> str:
    """A date of a mail in ISO 8601, in UTC; "" for what is none."""
    try:
        moment = parsedate_to_datetime(text.strip()[:100])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def decoded(value: str) -> str:
    """A header as a person reads it (RFC 2047), on one line; bytes that no header may have, as most programs show them."""
    value = _FOLDED.sub(" ", value)
    if not value.isascii() or "\x1b$" in value:
        value = _unescaped(value)
    if "=?" not in value or len(_WORDS.findall(value)) > _ENCODED_WORDS:
        return value.strip()
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value.strip()
    return "".join(_piece(text, charset) for text, charset in pieces).strip()


def _unescaped(value: str) -> str:
    """Bytes that the parser could only keep, as the characters that they are."""
    data = value.encode("utf-8", "surrogateescape")
    return data.decode("iso-2022-jp", "replace") if b"\x1b$" in data else guessed(data)


def _without_tags(text: str) -> str:
    """A page as it is read: what stands within a line stays together."""
    return html.unescape(_TAG.sub(" ", _INLINE.sub("", text)))


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
            yield Part(_name(part) or "message.eml", kind, _inner(part), attached=True)
        elif part.is_multipart():
            waiting += [inner for inner in part.get_payload() if isinstance(inner, Message)]
        else:
            data = part.get_payload(decode=True)
            leaf = _leaf(part, kind, data if isinstance(data, bytes) else b"", limits, gaps)
            yield leaf
            if kind == "text/plain" and not leaf.attached:
                yield from uuencoded(leaf.data)


def _inner(part: Message) -> bytes:
    """A mail in a mail; encoded, as the standard forbids and programs read all the same."""
    message: Any = part.get_payload(0)
    try:
        data = bytes(message.as_bytes())
    except (UnicodeError, KeyError, LookupError, AttributeError, ValueError):
        data = str(message.get_payload()).encode("utf-8", "replace")
    if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
        try:
            return binascii.a2b_base64(data)
        except binascii.Error:
            return data
    return data


def uuencoded(text: bytes) -> Iterator[Part]:
    """Files that stand in the text itself, as mail had them before MIME and some programs still do."""
    at = 0
    for _ in range(_PARTS):
        match = _UU_BEGIN.search(text, at)
        if match is None:
            return
        data, at = bytearray(), match.end()
        while at < len(text):
            end = text.find(b"\n", at)
            line = text[at : end if end >= 0 else len(text)][:100]
            try:
                data += binascii.a2b_uu(line.rstrip(b"\r"))
            except binascii.Error:
                break
            at = end + 1 if end >= 0 else len(text)
        if data:
            yield Part(guessed(match[1].strip()), "application/octet-stream", bytes(data), attached=True)


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
