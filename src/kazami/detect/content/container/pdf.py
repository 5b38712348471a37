"""Files, scripts and forms in PDF documents, as children; names in any spelling and broken tables are pikepdf's business.

Each JavaScript is a child (``.js``), so is each embedded file and each XFA part; what actions do, `exploit.pdf_action` says of the same objects.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from kazami.archive.stream import reason
from kazami.detect.content.container.members import MEANINGS as OF_MEMBERS
from kazami.detect.content.container.members import passwords
from kazami.detect.content.exploit import MEANINGS as OF_EXPLOIT
from kazami.detect.content.exploit import pdf_action
from kazami.detect.content.identify import kind, starts
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

__all__ = ["MEANINGS", "NEEDS", "analyze", "confidence"]

MEANINGS = {**OF_MEMBERS, **OF_EXPLOIT, **meanings(__file__)}
NEEDS = {"pikepdf": "scripts, embedded files and forms in PDF documents"}

_TRIED = 12


def confidence(head: bytes, name: str) -> float:
    """Has the magic where readers accept it: in the first kilobyte."""
    return 1.0 if b"%PDF-" in head[:1024] else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Every script, embedded file and form part."""
    import pikepdf

    gaps: list[Gap] = []
    features: list[Feature] = []
    document = None
    for password in ("", *passwords(scope)[:_TRIED]):
        try:
            document = pikepdf.open(io.BytesIO(data), password=password, suppress_warnings=True)
            break
        except pikepdf.PasswordError:
            continue
        except pikepdf.PdfError as error:
            why = str(error).rpartition(">: ")[2]
            return Analysis(
                tuple(pdf_action.escaped(data)), gaps=(Gap("error", f"no reader could open it: {why}"[:300]),)
            )
    if document is None:
        locked = Gap(
            "password", f"encrypted, and none of {len(passwords(scope)[:_TRIED])} passwords opens it"
        )
        return Analysis((Feature("container.encrypted", "pdf"),), gaps=(locked,))
    with document:
        if document.is_encrypted:
            features.append(Feature("container.encrypted", "pdf"))
        acts: list[Feature] = []
        children = list(_children(document, scope, gaps, acts))
    features += pdf_action.bounded(iter(dict.fromkeys((*acts, *pdf_action.escaped(data)))))
    for child in children:
        if child.relation == "decoded":
            features += pdf_action.of_script(child.data.decode("utf-8", "replace"), child.place)
        if child.relation == "attachment":
            what = (
                "pdf.embedded_program"
                if starts(kind(child.data, child.name), child.name)
                else "pdf.embedded_file"
            )
            features.append(Feature(what, child.name, child.place))
    return Analysis(tuple(features), tuple(children), tuple(gaps))


def _children(document: Any, scope: Scope, gaps: list[Gap], acts: list[Feature]) -> Iterator[Child]:
    left = scope.limits.total
    objects = document.objects
    if len(objects) > scope.limits.objects:
        gaps.append(Gap("limit", f"only {scope.limits.objects:,} of {len(objects):,} objects looked at"))
    for number in range(1, min(len(objects), scope.limits.objects) + 1):
        try:
            found = list(_of_object(document, number, scope, gaps, acts))
        except Exception as error:  # noqa: BLE001 - one broken object must not hide the others
            gaps.append(Gap("error", reason(error), f"object {number}"))
            continue
        for child in found:
            left -= len(child.data)
            if left < 0:
                gaps.append(Gap("limit", f"more than {scope.limits.total:,} bytes come out of it"))
                return
            yield child


def _of_object(
    document: Any, number: int, scope: Scope, gaps: list[Gap], acts: list[Feature]
) -> Iterator[Child]:
    """What one object holds that is worth a look of its own."""
    place = f"object {number}"
    for thing in pdf_action.dictionaries(document.get_object(number, 0)):
        acts += pdf_action.of_dictionary(thing, place)
        yield from _of_dictionary(thing, number, scope, gaps)


def _of_dictionary(thing: Any, number: int, scope: Scope, gaps: list[Gap]) -> Iterator[Child]:
    import pikepdf

    place = f"object {number}"
    if (script := thing.get("/JS")) is not None:
        yield Child(f"script{number}.js", _bytes(script, scope, gaps, place), place, "decoded")
    files = thing.get("/EF")
    if isinstance(files, pikepdf.Dictionary):
        name = str(thing.get("/UF") or thing.get("/F") or f"file{number}")
        inner = files.get("/F") or files.get("/UF")
        if isinstance(inner, pikepdf.Stream):
            yield Child(name, _bytes(inner, scope, gaps, place), place, "attachment")
    form = thing.get("/XFA")
    parts = list(form) if isinstance(form, pikepdf.Array) else [form]
    for part in parts:
        if isinstance(part, pikepdf.Stream):
            yield Child(f"form{number}.xml", _bytes(part, scope, gaps, place), place, "stream")


def _bytes(thing: Any, scope: Scope, gaps: list[Gap], place: str) -> bytes:
    """Content of a string, or of a stream if it is not too large once decoded."""
    import pikepdf

    if not isinstance(thing, pikepdf.Stream):
        return str(thing).encode("utf-8", "replace")
    raw = thing.read_raw_bytes()
    if len(raw) * 2 > scope.limits.stream:
        gaps.append(Gap("limit", f"a stream of {len(raw):,} packed bytes", place))
        return b""
    data = bytes(thing.read_bytes())
    if len(data) > scope.limits.stream:
        gaps.append(Gap("limit", f"only {scope.limits.stream:,} of {len(data):,} bytes of a stream", place))
    return data[: scope.limits.stream]
