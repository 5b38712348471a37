"""Objects in RTF: what stands in hexadecimal (or ``\\bin``) behind ``\\objdata``, however it is broken up.

A tokenizer, not a regular expression: Word ignores control words, groups and noise between the digits, and so does this. Each object is a
child: an embedded file under its name, an OLE storage, or the native data of its class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kazami.detect.content.container.ole import MEANINGS as OF_OLE
from kazami.detect.content.container.ole import embedded, link
from kazami.detect.content.container.package import native, ole1
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]

MEANINGS = OF_OLE

_LOOKED = 10 << 20  # bytes of one document that are tokenized
_OBJECTS = 200
_HEADER = 4096  # bytes that may stand before a storage
_NOT_HEX = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_TOKEN = re.compile(
    rb"\\(?:([A-Za-z]{1,250})(-?\d{1,10})? ?|'[0-9A-Fa-f]{2}|[^A-Za-z])|[{}]|[^\\{}]+", re.DOTALL
)
_STORAGE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def confidence(head: bytes, name: str) -> float:
    """Begins as Word takes for RTF: ``{\\rt``, whatever follows."""
    return 1.0 if head.lstrip(b" \t\r\n").startswith(b"{\\rt") else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Every object as a child."""
    gaps = [] if len(data) <= _LOOKED else [Gap("limit", f"only the first {_LOOKED:,} bytes looked at")]
    children: list[Child] = []
    linked: list[Feature] = []
    for number, (offset, content) in enumerate(objdata(data[:_LOOKED])):
        if number >= _OBJECTS:
            gaps.append(Gap("limit", f"only {_OBJECTS} objects looked at"))
            break
        children += _object(content, f"objdata {number} @{offset}", linked)
    return Analysis((*embedded(children), *linked), tuple(children), tuple(gaps))


def objdata(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Offset of each ``\\objdata`` and the bytes that Word makes of what follows in its group."""
    at = 0
    while (start := data.find(b"\\objdata", at)) >= 0:
        content, at = _digits(data, start + 8)
        if content:
            yield start, content


def _digits(data: bytes, at: int) -> tuple[bytes, int]:
    """Bytes of the digits from `at` to the end of the group; what stands in between does not count."""
    digits, binary, depth = bytearray(), bytearray(), 0
    while match := _TOKEN.match(data, at):
        at = match.end()
        first = match[0][:1]
        if first == b"{":
            depth += 1
        elif first == b"}":
            depth -= 1
            if depth < 0:
                break
        elif match[1] == b"bin" and match[2]:
            size = max(0, int(match[2]))
            binary += bytes.fromhex(_even(digits)) + data[at : at + size]
            digits.clear()
            at += size
        elif match[1] is None and first != b"\\" and not depth:
            digits += match[0].translate(None, _NOT_HEX)
    return bytes(binary) + bytes.fromhex(_even(digits)), at


def _even(digits: bytearray | bytes) -> str:
    return bytes(digits[: len(digits) & ~1]).decode("ascii")


def _object(content: bytes, place: str, linked: list[Feature]) -> Iterator[Child]:
    found = ole1(content)
    if found is None:
        at = content.find(_STORAGE, 1, _HEADER)
        if at > 0:  # the lengths before it lie, and the storage is there all the same
            yield Child(f"{place}.ole", content[at:], place, "stream")
        yield Child(place, content, relation="stream")
        return
    packed = native(found.data) if found.name.lower().startswith("package") else None
    if packed is not None and packed.data:
        yield Child(packed.name, packed.data, place, "object")
    elif packed is not None:
        linked.append(link(packed, place))
    elif found.data:
        name = f"{found.name or 'object'}{'.ole' if found.data.startswith(_STORAGE) else '.native'}"
        yield Child(name, found.data, place, "stream")
    yield Child(place, content, relation="stream")
