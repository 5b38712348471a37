"""winmail.dat (MS-OXTNEF): the attachments and the text that Outlook packs up for itself."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kazami.archive.name import decoded
from kazami.detect.content.mail import MEANINGS, lure
from kazami.model.content import Analysis, Child, Gap, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]

_MAGIC = b"\x78\x9f\x3e\x22"
_BODY, _RENDER, _TITLE, _DATA, _PROPERTIES = 0x2800C, 0x69002, 0x18010, 0x6800F, 0x69005
_LONG_NAME = 0x3707
_ATTACHMENTS = 1000


def confidence(head: bytes, name: str) -> float:
    """Begins as TNEF does."""
    return 1.0 if head.startswith(_MAGIC) else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Every attachment."""
    children: list[Child] = []
    gaps: list[Gap] = []
    name, content = "", b""
    for what, value in _attributes(data, gaps):
        if what == _BODY:
            children.append(Child("body.txt", value.rstrip(b"\0"), relation="stream"))
        elif what == _RENDER:
            _keep(children, name, content)
            name, content = "", b""
        elif what == _TITLE:
            name = name or decoded(value.split(b"\0")[0])
        elif what == _DATA:
            content = value
        elif what == _PROPERTIES:
            name = _long_name(value) or name
        if len(children) >= _ATTACHMENTS:
            gaps.append(Gap("limit", f"only {_ATTACHMENTS:,} attachments looked at"))
            break
    _keep(children, name, content)
    said = "\n".join(decoded(child.data) for child in children if child.relation == "stream")
    return Analysis(tuple(lure.hanging(children)), tuple(children), tuple(gaps), tuple(lure.passwords(said)))


def _keep(children: list[Child], name: str, content: bytes) -> None:
    if content:
        children.append(Child(name or f"attachment{len(children)}", content, relation="attachment"))


def _attributes(data: bytes, gaps: list[Gap]) -> Iterator[tuple[int, bytes]]:
    at = 6
    while at + 9 <= len(data):
        _, what, size = struct.unpack_from("<BLL", data, at)
        value = data[at + 9 : at + 9 + size]
        if len(value) < size:
            gaps.append(Gap("error", f"{size:,} bytes announced, {len(value):,} there", f"byte {at:,}"))
        yield what, value
        at += 9 + size + 2


def _long_name(value: bytes) -> str:
    """The long file name among MAPI properties: type and id, one value, its length, the text in 8 or 16 bits."""
    for kind, encoding in ((0x1F, "utf-16-le"), (0x1E, "")):
        at = value.find(struct.pack("<HHL", kind, _LONG_NAME, 1))
        if at >= 0 and at + 12 <= len(value):
            size = struct.unpack_from("<L", value, at + 8)[0]
            raw = value[at + 12 : at + 12 + min(size, 1024)]
            return (raw.decode(encoding, "replace") if encoding else decoded(raw)).rstrip("\0")
    return ""
