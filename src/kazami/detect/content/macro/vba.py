"""VBA projects in OLE storages: the source of each module as a child, and whether the source is what runs.

Office runs the compiled form where its version fits, and compiles the source else, so a document can show one and run another ("VBA
stomping"). The strings of the compiled lines are held against the source.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from kazami.archive.stream import reason
from kazami.detect.content.macro import MEANINGS, ovba, pcode
from kazami.detect.content.macro.words import told
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

__all__ = ["MEANINGS", "NEEDS", "analyze", "confidence"]

NEEDS = {"olefile": "macros in Office documents"}

_STORAGE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROJECT = "_VBA_PROJECT".encode("utf-16-le")
_SOURCE_MARK = b"\0Attribut"
_MODULES = 500
_SOURCE = 4 << 20  # bytes of the source of one module
_SOURCES = 32 << 20  # of all modules together
_SHOWN = 3
_LETTERS = 4  # a shorter string proves nothing
_FORM = re.compile(rb"[\t\r\n\x20-\x7e]{6,}")
_LINE_OF_CODE = re.compile(r"^(?!\s*(?:Attribute\s|Option\s|'|$)).", re.MULTILINE | re.IGNORECASE)


class _Read(NamedTuple):
    """A module: its name, its stream's path, its source, and its compiled form."""

    name: str
    path: str
    source: str
    cache: bytes


def confidence(head: bytes, name: str) -> float:
    """Begins as OLE storages do; Word documents and ``vbaProject.bin`` are some."""
    return 0.9 if head.startswith(_STORAGE) else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Every module of every project, and the text of forms."""
    if _PROJECT not in data and _SOURCE_MARK not in data:
        return Analysis()
    gaps: list[Gap] = []
    modules: list[_Read] = []
    children: list[Child] = []
    features: list[Feature] = []
    known = _opened(data, gaps, modules, children)
    listed = {module.source for module in modules}
    hidden = [text for _, text in ovba.sources(data, _SOURCE)] if not modules else []
    modules += [
        _Read(f"unlisted{n}", "", text.decode("cp1252", "replace"), b"") for n, text in enumerate(hidden)
    ]
    if hidden:
        features.append(Feature("macro.unlisted_source", f"{len(hidden)} modules that no directory names"))
    if modules:
        features.append(Feature("macro.vba", ", ".join(module.name for module in modules[:20])))
        if not hidden and not any(module.cache for module in modules):
            features.append(Feature("macro.not_compiled", f"{len(modules)} modules"))
    features += _spoken(modules)
    for module in modules:
        features += _stomped(module)
        children += _children(module)
    features += _only_compiled(listed, known)
    features += (
        Feature("macro.form_text", child.name, child.place)
        for child in children
        if child.relation == "stream"
    )
    return Analysis(tuple(features), tuple(children), tuple(gaps))


def _opened(data: bytes, gaps: list[Gap], modules: list[_Read], forms: list[Child]) -> set[str]:
    """The modules and forms of all projects, and the names that these know; of a broken storage, what can be read."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data), raise_defects=olefile.DEFECT_FATAL) as storage:
            modules += _modules(storage, gaps)
            forms += _forms(storage)
            return _identifiers(storage)
    except OSError as error:
        gaps.append(Gap("error", reason(error)))
        return set()


def _modules(storage: Any, gaps: list[Gap]) -> Iterator[_Read]:
    """What the ``dir`` streams name."""
    paths = storage.listdir(streams=True, storages=False)
    left = _SOURCES
    for path in paths:
        if path[-1].lower() != "dir" or len(path) < 2 or path[-2].lower() != "vba":
            continue
        try:
            found = ovba.project(ovba.decompressed(storage.openstream(path).read(), _SOURCE))
        except (ValueError, OSError) as error:
            gaps.append(Gap("error", f"directory of macros: {error}", "/".join(path)))
            continue
        if len(found.modules) > _MODULES:
            gaps.append(Gap("limit", f"only {_MODULES} of {len(found.modules):,} modules looked at"))
        for module in found.modules[:_MODULES]:
            stream = [*path[:-1], module.stream or module.name]
            place = "/".join(stream)
            try:
                content = storage.openstream(stream).read()
                source, cache = _split(content, module.offset)
            except (ValueError, OSError) as error:
                gaps.append(Gap("error", f"source of a macro: {error}", place))
                continue
            left -= len(source)
            if left < 0:
                gaps.append(Gap("limit", f"more than {_SOURCES:,} bytes of source"))
                return
            yield _Read(module.name or module.stream, place, source.decode(found.encoding, "replace"), cache)


def _split(content: bytes, offset: int) -> tuple[bytes, bytes]:
    """Source and compiled form of a module; where the directory lies about the offset, the source is looked for."""
    try:
        return ovba.decompressed(content[offset:], _SOURCE), content[:offset]
    except ValueError:
        for at, text in ovba.sources(content, _SOURCE):
            return text, content[:at]
        if pcode.lines(content):
            return b"", content
        raise


def _identifiers(storage: Any) -> set[str]:
    """Names that projects know, their strings not among them."""
    found: set[str] = set()
    for path in storage.listdir(streams=True, storages=False):
        if path[-1].upper() == "_VBA_PROJECT" and storage.get_size(path) <= _SOURCE:
            found |= pcode.identifiers(storage.openstream(path).read())
    return found


def _forms(storage: Any) -> Iterator[Child]:
    """Text of the controls of forms (MS-OFORMS, streams ``f`` and ``o``), where macros keep what must not stand in their source."""
    paths = storage.listdir(streams=True, storages=False)
    forms = {tuple(path[:-1]) for path in paths if path[-1] == "\x03VBFrame"}
    for path in paths:
        if tuple(path[:-1]) in forms and path[-1] in ("f", "o") and storage.get_size(path) <= _SOURCE:
            text = b"\n".join(_FORM.findall(storage.openstream(path).read()))
            if text:
                yield Child(f"{path[-2]} {path[-1]}.txt", text, "/".join(path), "stream")


def _spoken(modules: list[_Read]) -> Iterator[Feature]:
    """What all source together does; the compiled strings count as well."""
    for module in modules:
        yield from told(f"{module.source}\n{_compiled_text(module)}", module.path)


def _compiled_text(module: _Read) -> str:
    return "\n".join(_text(literal) for literal in pcode.literals(pcode.lines(module.cache)))


def _text(literal: bytes) -> str:
    return literal.decode("cp1252", "replace")


def _stomped(module: _Read) -> Iterator[Feature]:
    """Source that is not what was compiled."""
    compiled = pcode.lines(module.cache)
    if not compiled:
        return
    if not _LINE_OF_CODE.search(module.source):
        if len(compiled) > 2:
            yield Feature("macro.source_missing", f"{len(compiled)} compiled lines", module.path)
        return
    plain = module.source.replace('""', '"')
    lost = [
        text
        for text in map(_text, pcode.literals(compiled))
        if len(text) >= _LETTERS and text.isascii() and text not in plain
    ]
    if lost:
        yield Feature("macro.stomped", " | ".join(text[:80] for text in lost[:_SHOWN]), module.path)


def _only_compiled(sources: set[str], known: set[str]) -> Iterator[Feature]:
    """Calls that a project knows and no source has."""
    whole = "\n".join(sources).lower()
    lost = [f for f in told("\n".join(sorted(known))) if f.value.lower() not in whole]
    for feature in lost:
        yield Feature("macro.compiled_call", feature.value, "_VBA_PROJECT")


def _children(module: _Read) -> Iterator[Child]:
    if module.source:
        yield Child(f"{module.name}.bas", module.source.encode("utf-8", "replace"), module.path, "decoded")
    text = _compiled_text(module)
    if text and text not in module.source:
        yield Child(f"{module.name} compiled.txt", text.encode("utf-8", "replace"), module.path, "decoded")
