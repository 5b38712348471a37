"""Outlook's own mails (MS-OXMSG): MAPI properties are streams of an OLE storage, so that olefile is all that is needed."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from kazami.archive.name import decoded
from kazami.detect.content.identify import package
from kazami.detect.content.mail import MEANINGS, told
from kazami.detect.content.mail.message import Mail, Part, read, split
from kazami.model.content import Analysis, Gap, Scope

__all__ = ["MEANINGS", "NEEDS", "analyze", "confidence"]

NEEDS = {"olefile": "mails of Outlook (MSG)", "tldextract": "whom a mail poses as"}

_SUBJECT, _HEADERS, _SENDER_NAME, _SENDER, _SMTP, _TO, _BODY, _HTML = (
    "0037",
    "007D",
    "0C1A",
    "0C1F",
    "5D01",
    "0E04",
    "1000",
    "1013",
)
_CONTENT, _LONG, _SHORT_NAME, _DISPLAY = "3701", "3707", "3704", "3001"
_ATTACHMENT = re.compile(r"__attach_version1\.0_#[0-9A-Fa-f]{8}")
_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def confidence(head: bytes, name: str) -> float:
    """Is an OLE storage, and called or built like a mail."""
    if not head.startswith(_MAGIC):
        return 0.0
    return 1.0 if name.lower().endswith((".msg", ".oft")) or package.kind(head, "ole") == "msg" else 0.5


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What the mail says of itself, and all that hangs on it, mails in it too."""
    if package.kind(data, "ole") != "msg":
        return Analysis()
    import olefile

    gaps: list[Gap] = []
    with olefile.OleFileIO(io.BytesIO(data)) as storage:
        mail = _mail(storage, (), scope, gaps, 0)
    return told(mail, scope, [*gaps, *mail.gaps])


def _mail(storage: Any, root: tuple[str, ...], scope: Scope, gaps: list[Gap], depth: int) -> Mail:
    def text(tag: str) -> str:
        return _text(storage, root, tag)

    raw = text(_HEADERS)
    headers = (
        list(read(split(raw.encode("utf-8", "replace"))[0] + b"\n", scope.limits).headers) if raw else []
    )
    have = {name for name, _ in headers}
    address = text(_SMTP) or text(_SENDER)
    for name, value in (
        ("from", f'"{text(_SENDER_NAME)}" <{address}>'),
        ("subject", text(_SUBJECT)),
        ("to", text(_TO)),
    ):
        if name not in have:
            headers.append((name, value))
    parts = [Part("", "text/plain", text(_BODY).encode("utf-8", "replace"))]
    if page := _binary(storage, root, _HTML) or text(_HTML).encode("utf-8", "replace"):
        parts.append(Part("", "text/html", page))
    parts += _attachments(storage, root, scope, gaps, depth)
    return Mail(tuple(headers), tuple(parts))


def _attachments(
    storage: Any, root: tuple[str, ...], scope: Scope, gaps: list[Gap], depth: int
) -> Iterator[Part]:
    names = {
        path[len(root)]
        for path in storage.listdir()
        if tuple(path[: len(root)]) == root and len(path) > len(root)
    }
    for folder in sorted(name for name in names if _ATTACHMENT.fullmatch(name)):
        inside = (*root, folder)
        name = next(
            filter(None, (_text(storage, inside, tag) for tag in (_LONG, _SHORT_NAME, _DISPLAY))), folder
        )
        content = _binary(storage, inside, _CONTENT)
        nested = (*inside, f"__substg1.0_{_CONTENT}000D")
        if content:
            yield Part(name, "application/octet-stream", content[: scope.limits.file], attached=True)
        elif storage.exists("/".join(nested)) and depth < scope.limits.depth:
            inner = _mail(storage, nested, scope, gaps, depth + 1)
            yield Part(
                name if name.lower().endswith(".eml") else f"{name}.eml",
                "message/rfc822",
                _written(inner),
                attached=True,
            )
            yield from (part for part in inner.parts if part.attached)
        else:
            gaps.append(Gap("error", "an attachment without content, or by reference", name))


def _written(mail: Mail) -> bytes:
    """Headers and text of a mail within, as a mail of its own; what hangs on it is handed up beside it."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in mail.headers if "\n" not in value and value)
    return (lines + "\r\n" + mail.text).encode("utf-8", "replace")


def _binary(storage: Any, root: tuple[str, ...], tag: str) -> bytes:
    path = "/".join((*root, f"__substg1.0_{tag}0102"))
    return bytes(storage.openstream(path).read()) if storage.exists(path) else b""


def _text(storage: Any, root: tuple[str, ...], tag: str) -> str:
    for kind in ("001F", "001E"):
        path = "/".join((*root, f"__substg1.0_{tag}{kind}"))
        if storage.exists(path):
            raw = bytes(storage.openstream(path).read())
            return (raw.decode("utf-16-le", "replace") if kind == "001F" else decoded(raw)).split("\0")[0]
    return ""
