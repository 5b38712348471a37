"""OLE storages (MS-CFB): every stream is a child, Ole10Native packages are unwrapped, MSI names are decoded.

What a stream means, an equation or a macro, is for others to say; they get it as a child with its path as name.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from kazami.archive.stream import reason
from kazami.detect.content.container.members import MEANINGS as OF_MEMBERS
from kazami.detect.content.container.package import Native, native
from kazami.detect.content.identify import kind, starts, starts_by_name
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

__all__ = ["MEANINGS", "NEEDS", "analyze", "confidence"]

MEANINGS = {**OF_MEMBERS, **meanings(__file__)}
NEEDS = {"olefile": "streams, objects and macros in Office 97 documents, installers and Outlook mails"}

#: Letters of the 64 that MSI packs two of in one character (msi.dll; as olefile and msitools decode them).
_MSI = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
#: Record of a presentation.
_OBJECT_STORAGE = 0x1011
_SMALL = 16  # bytes of streams that nobody needs to look at


def confidence(head: bytes, name: str) -> float:
    """Begins as OLE storages do."""
    return 1.0 if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """All streams, and what is packed in them as a file."""
    import olefile

    gaps: list[Gap] = []
    linked: list[Feature] = []
    with olefile.OleFileIO(io.BytesIO(data), raise_defects=olefile.DEFECT_FATAL) as storage:
        children = list(_streams(storage, scope, gaps, linked))
    return Analysis((*embedded(children), *linked), tuple(children), tuple(gaps))


def embedded(children: Iterable[Child]) -> Iterator[Feature]:
    """What is said of files that lie in a document as objects."""
    for child in children:
        if child.relation == "object":
            yield Feature(
                "ole.embedded_program"
                if starts(kind(child.data, child.name), child.name)
                else "ole.embedded_file",
                child.name,
                child.place,
            )


def link(inner: Native, place: str) -> Feature:
    """What is said of a file that an object only names."""
    if inner.source.startswith(("\\\\", "//")):
        return Feature("ole.linked_remote", inner.source, place)
    return Feature(
        "ole.linked_program" if starts_by_name(inner.source) else "ole.linked_file", inner.source, place
    )


def _streams(storage: Any, scope: Scope, gaps: list[Gap], linked: list[Feature]) -> Iterator[Child]:
    paths = storage.listdir(streams=True, storages=False)
    if len(paths) > scope.limits.objects:
        gaps.append(Gap("limit", f"only {scope.limits.objects:,} of {len(paths):,} streams looked at"))
    left = scope.limits.total
    for path in paths[: scope.limits.objects]:
        name = "/".join(decoded(part) for part in path)
        size = storage.get_size(path)
        if size <= _SMALL:
            continue
        if size > min(left, scope.limits.file):
            gaps.append(Gap("limit", f"a stream of {size:,} bytes", name))
            continue
        try:
            content = storage.openstream(path).read()
        except Exception as error:  # noqa: BLE001 - one broken stream must not hide the others
            gaps.append(Gap("error", reason(error), name))
            continue
        left -= len(content)
        inner = native(content) if path[-1].lower() == "\x01ole10native" else None
        if inner is not None and inner.data:
            yield Child(inner.name, inner.data, name, "object")
        elif inner is not None:
            linked.append(link(inner, name))
        if path[-1] == "PowerPoint Document":
            yield from _slides(content, scope, gaps)
        yield Child(name, content, relation="stream")


def _slides(content: bytes, scope: Scope, gaps: list[Gap]) -> Iterator[Child]:
    """Storages of objects and macros in a presentation, deflated or not (MS-PPT 2.10.34, RT_ExternalOleObjectStg)."""
    at = 0
    while at + 8 <= len(content):
        version, kind, length = struct.unpack_from("<HHL", content, at)
        at += 8
        if kind == _OBJECT_STORAGE:
            body, name = content[at : at + length], f"object@{at}.ole"
            try:
                data = (
                    zlib.decompressobj().decompress(body[4:], scope.limits.stream)
                    if version & 0xFFF0
                    else body
                )
                yield Child(name, data, relation="decoded")
            except zlib.error as error:
                gaps.append(Gap("error", reason(error), name))
        at += length


def decoded(name: str) -> str:
    """A stream's name: of MSI, two letters in one character of U+3800-4840; control codes made visible."""
    out: list[str] = []
    for char in name:
        code = ord(char)
        if 0x3800 <= code < 0x4800:
            code -= 0x3800
            out += (_MSI[code & 0x3F], _MSI[code >> 6])
        elif 0x4800 <= code < 0x4840:
            out.append(_MSI[code - 0x4800])
        elif code == 0x4840:
            out.append("!")
        else:
            out.append(char if char.isprintable() else f"\\x{code:02x}")
    return "".join(out)
