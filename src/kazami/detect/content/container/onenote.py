"""Files in OneNote sections: each lies behind the GUID of a FileDataStoreObject with its size before it (MS-ONESTORE 2.6.13)."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from kazami.detect.content.container.members import MEANINGS as OF_MEMBERS
from kazami.detect.content.identify import RUNS, kind, kinds
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]

MEANINGS = {**OF_MEMBERS, **meanings(__file__)}

_HEADER = UUID("bde316e7-2665-4511-a4c4-8d4d0b7a9eac").bytes_le
_CONTENT = 36  # bytes from the GUID to the content
_FILES = 1000


def confidence(head: bytes, name: str) -> float:
    """Begins as OneNote sections do."""
    return 1.0 if head.startswith(UUID("7b5c52e4-d88c-4da7-aeb1-5378d02996d3").bytes_le) else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Every file that a page holds."""
    features: list[Feature] = []
    gaps: list[Gap] = []
    children: list[Child] = []
    for offset, content, fault in _files(data):
        if fault:
            gaps.append(Gap("error", fault, f"byte {offset:,}"))
        found = kinds()[kind(content)]
        child = Child(f"file{len(children)}.{(found.extensions or ('bin',))[0]}", content, relation="object")
        children.append(child)
        if found.family in RUNS:
            features.append(Feature("one.embedded_program", found.title, child.name, offset))
        if len(children) >= _FILES:
            gaps.append(Gap("limit", f"only {_FILES} files looked at"))
            break
    return Analysis(tuple(features), tuple(children), tuple(gaps))


def _files(data: bytes) -> Iterator[tuple[int, bytes, str]]:
    at = 0
    while (at := data.find(_HEADER, at)) >= 0:
        size = int.from_bytes(data[at + 16 : at + 24], "little")
        start = at + _CONTENT
        content = data[start : start + size]
        if content:
            yield (
                at,
                content,
                "" if len(content) == size else f"{size:,} bytes announced, {len(content):,} there",
            )
        at = start + len(content) if len(content) == size else at + 16
