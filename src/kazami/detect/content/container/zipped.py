"""Zip archives, and what is made of them: OOXML, OpenDocument, Java, Android packages.

Every member is a child, so that a document's parts, its pictures and its macros are all looked at. Beside that the archive itself is
held to its specification (APPNOTE 6.3.10): members that overlap or have two names serve to deceive readers.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from kazami.archive import zipped
from kazami.archive.salvage import LOCAL
from kazami.detect.content.container.members import MEANINGS, account, analysis, gathered, passwords
from kazami.model.content import Analysis, Feature, Gap, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]

_RATIO, _FROM = 1000, 10 << 20
_LOOKED = 5000  # members whose headers are compared


def confidence(head: bytes, name: str) -> float:
    """Begins as zip archives do."""
    return 1.0 if head[:4] in (b"PK\x03\x04", b"PK\x05\x06") or head[:8] == b"PK\x07\x08PK\x03\x04" else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """All members, opened with the passwords there are."""
    budget = account(data, scope)
    members = zipped.members(io.BytesIO(data), passwords(scope), budget, packages=True)
    children, gaps = gathered(members or (), scope, budget)
    return analysis(children, gaps, *_structure(data, gaps))


def _structure(data: bytes, gaps: list[Gap]) -> Iterator[Feature]:
    """What is odd about headers and directory."""
    try:
        infos = zipfile.ZipFile(io.BytesIO(data)).infolist()[:_LOOKED]
    except Exception as error:  # noqa: BLE001 - whatever the library raises on a hostile directory
        yield Feature("container.damaged", str(error))
        return
    if any(info.flag_bits & 1 for info in infos):
        yield Feature("container.encrypted", ", ".join(i.filename for i in infos if i.flag_bits & 1)[:200])
    for info in infos:
        if info.file_size > _FROM and info.file_size > _RATIO * max(1, info.compress_size):
            yield Feature(
                "container.bomb", f"{info.file_size:,} bytes from {info.compress_size:,}", info.filename
            )
            gaps.append(Gap("limit", "unpacks to far more than it is", info.filename))
    yield from _headers(data, infos)


def _headers(data: bytes, infos: list[zipfile.ZipInfo]) -> Iterator[Feature]:
    end = 0
    for info in sorted(infos, key=lambda i: i.header_offset):
        start = info.header_offset
        if start < 0:  # something before the archive is missing
            continue
        if start < end:
            yield Feature("container.overlap", info.filename, place=info.filename, offset=start)
            return
        head = data[start : start + LOCAL.size]
        if len(head) < LOCAL.size or not head.startswith(b"PK\x03\x04"):
            continue
        *_, name, extra = LOCAL.unpack(head)
        end = start + LOCAL.size + name + extra + info.compress_size
        local = data[start + LOCAL.size : start + LOCAL.size + name]
        if local != _raw(info) and not info.flag_bits & 0x2000:
            yield Feature(
                "container.two_names", f"{local.decode('utf-8', 'replace')} and {info.filename}", offset=start
            )


def _raw(info: zipfile.ZipInfo) -> bytes:
    """The name as the directory has it."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437", "replace")
