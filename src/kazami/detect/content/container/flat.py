"""Office documents as one XML: flat OPC (``pkg:binaryData``), Word 2003 (``w:binData``), and ActiveMime in web pages of Office.

Base64 in the elements that carry binary parts becomes children; the same for MHTML parts is the mail analyzer's business.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator

from kazami.detect.content.container.members import MEANINGS
from kazami.detect.content.identify import kind
from kazami.model.content import Analysis, Child, Gap, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]

_PART = re.compile(
    rb"<pkg:part\s[^>]{0,400}?pkg:name=\"([^\"]{1,300})\"[^>]{0,400}>\s*<pkg:(binaryData|xmlData)[^>]{0,200}>(.*?)</pkg:\2>",
    re.DOTALL,
)
_BINARY = re.compile(rb"<w:(?:binData|docOleData)\b([^>]{0,300})>(.*?)</w:(?:binData|docOleData)>", re.DOTALL)
_NAME = re.compile(rb"w:name=\"([^\"]{1,200})\"")
_PARTS = 500


def confidence(head: bytes, name: str) -> float:
    """Is an Office document as XML, or the ActiveMime stream out of one."""
    return 1.0 if head.startswith(b"ActiveMime") or kind(head, name) == "flat_opc" else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Every part."""
    if data.startswith(b"ActiveMime"):
        return _active_mime(data, scope)
    children: list[Child] = []
    gaps: list[Gap] = []
    for number, child in enumerate(_parts(data, gaps)):
        if number >= _PARTS:
            gaps.append(Gap("limit", f"only {_PARTS} parts looked at"))
            break
        children.append(child)
    return Analysis((), tuple(children), tuple(gaps))


def _parts(data: bytes, gaps: list[Gap]) -> Iterator[Child]:
    for match in _PART.finditer(data):
        name = match[1].decode("utf-8", "replace").lstrip("/")
        yield Child(
            name,
            _decoded(match[3], name, gaps) if match[2] == b"binaryData" else match[3].strip(),
            relation="member",
        )
    for number, match in enumerate(_BINARY.finditer(data)):
        named = _NAME.search(match[1])
        name = named[1].decode("utf-8", "replace") if named else f"binary{number}"
        yield Child(name, _decoded(match[2], name, gaps), relation="member")


def _decoded(text: bytes, name: str, gaps: list[Gap]) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError) as error:
        gaps.append(Gap("error", f"no Base64: {error}", name))
        return b""


def _active_mime(data: bytes, scope: Scope) -> Analysis:
    """The deflated OLE storage in an ActiveMime stream; where it begins varies, a zlib header tells."""
    for at in range(0x20, min(len(data), 0x80)):
        if data[at : at + 1] == b"\x78":
            try:
                inflated = zlib.decompressobj().decompress(data[at:], scope.limits.stream)
            except zlib.error:
                continue
            if inflated.startswith(b"\xd0\xcf\x11\xe0"):
                return Analysis((), (Child("editdata.ole", inflated, relation="decoded"),))
    return Analysis(gaps=(Gap("error", "no storage in the ActiveMime stream"),))
