"""Macros of OpenDocument files (ODF 1.3, part 3, 3.12): modules in Basic as children, scripts of other languages, and the events that start them.

LibreOffice keeps each module as XML in ``Basic/``, scripts for its other interpreters in ``Scripts/``, and in ``content.xml`` which event calls which.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator

from kazami.archive.stream import reason
from kazami.detect.content.identify import kind
from kazami.detect.content.macro import MEANINGS
from kazami.detect.content.macro.words import told
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]

_MODULE = re.compile(r"<script:module\s[^>]{0,2000}>([^<]*)<", re.IGNORECASE)
_LISTENER = re.compile(r"<script:event-listener\s[^>]{0,4000}>", re.IGNORECASE)
_EVENT = re.compile(r"script:event-name\s*=\s*[\"'](?:dom:|office:)?([\w-]{1,60})[\"']")
_CALLED = re.compile(r"xlink:href\s*=\s*[\"'](vnd\.sun\.star\.script:[^\"']{1,400})[\"']")
#: Events that nobody clicks on.
_BY_ITSELF = frozenset(
    (
        "load",
        "load-finished",
        "new",
        "unload",
        "prepareunload",
        "view-created",
        "activate",
        "deactivate",
        "focus",
    )
)
_MODULES, _SOURCE = 500, 4 << 20


KINDS = frozenset(("odf",))


def confidence(head: bytes, name: str) -> float:
    """May be an OpenDocument file."""
    return 0.7 if head.startswith(b"PK\x03\x04") else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Every module, and what starts by itself."""
    if (scope.kind or kind(data, scope.name)) not in KINDS:
        return Analysis()
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception:  # noqa: BLE001 - the library raises anything on a hostile directory
        return Analysis()  # its members are looked at one by one, and the damage is told there
    gaps: list[Gap] = []
    names = [
        name
        for name in archive.namelist()
        if name.startswith(("Basic/", "Scripts/")) and not name.endswith("/")
    ]
    if len(names) > _MODULES:
        gaps.append(Gap("limit", f"only {_MODULES} of {len(names):,} modules looked at"))
    children = list(_modules(archive, names[:_MODULES], gaps))
    features = [Feature("macro.odf", ", ".join(child.name for child in children[:20]))] if children else []
    for child in children:
        features += told(child.data.decode("utf-8", "replace"), child.place)
    features += _events(_text(archive, "content.xml", gaps))
    return Analysis(tuple(features), tuple(children), tuple(gaps))


def _text(archive: zipfile.ZipFile, name: str, gaps: list[Gap]) -> str:
    try:
        with archive.open(name) as member:
            data = member.read(_SOURCE + 1)
    except KeyError:
        return ""
    except Exception as error:  # noqa: BLE001 - a decoder raises anything on hostile bytes
        gaps.append(Gap("error", reason(error), name))
        return ""
    if len(data) > _SOURCE:
        gaps.append(Gap("limit", f"only the first {_SOURCE:,} bytes looked at", name))
    return data[:_SOURCE].decode("utf-8", "replace")


def _modules(archive: zipfile.ZipFile, names: list[str], gaps: list[Gap]) -> Iterator[Child]:
    for name in names:
        text = _text(archive, name, gaps)
        stem = name.rpartition("/")[2]
        if name.startswith("Scripts/"):
            yield Child(stem, text.encode("utf-8", "replace"), name, "decoded")
        elif match := _MODULE.search(text):
            source = html.unescape(match[1]).encode("utf-8", "replace")
            yield Child(f"{stem.removesuffix('.xml')}.bas", source, name, "decoded")


def _events(text: str) -> Iterator[Feature]:
    for match in _LISTENER.finditer(text):
        event, called = _EVENT.search(match[0]), _CALLED.search(html.unescape(match[0]))
        if event and called and event[1].lower() in _BY_ITSELF:
            yield Feature("macro.autoexec", f"{event[1]}: {called[1]}", "content.xml", match.start())
