"""Parts of OOXML documents: what they fetch from elsewhere (relationships), and DDE fields (ECMA-376, parts 1 and 2).

Each part is an artifact of its own, out of the zip or the flat XML, so that this looks at one part at a time. Regular expressions over the
text, not a parser: a hostile part has entities that expand and elements that nest, and all that is asked is which attributes stand in one tag.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from kazami.detect.content.exploit import MEANINGS as OF_EXPLOIT
from kazami.detect.content.exploit import markup
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Feature, Gap, Scope

MEANINGS = {**OF_EXPLOIT, **meanings(__file__)}

_RELATIONSHIP = re.compile(rb"<(?:\w+:)?Relationship\s([^>]{1,8000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"(\w+)\s*=\s*(?:\"([^\"]{0,4000})\"|'([^']{0,4000})')")
_DDE_LINK = re.compile(rb"<(?:\w+:)?ddeLink\s([^>]{1,4000})>", re.IGNORECASE)
_FIELD = re.compile(
    rb"<w:fldSimple\s[^>]{0,400}?w:instr\s*=\s*(?:\"([^\"]{0,4000})\"|'([^']{0,4000})')|<w:instrText\b[^>]{0,400}>([^<]{0,4000})<"
    rb"|<w:fldChar\s[^>]{0,400}?w:fldCharType\s*=\s*[\"'](begin|end|separate)[\"']"
)
_QUOTE = re.compile(
    r"\s*QUOTE\s+((?:\d{1,5}\s+)*\d{1,5})\s*(?:\\|$)|\s*QUOTE\s+\"([^\"]{0,1000})\"", re.IGNORECASE
)
_DDE = re.compile(r"[\s\"]*(?:SET\s+\S{1,80}[\s\"]+)?DDE(AUTO)?\b\s+(.{1,400})", re.IGNORECASE | re.DOTALL)
_SHELL = re.compile(
    r"\b(?:cmd|powershell|pwsh|mshta|rundll32|regsvr32|wscript|cscript|certutil|bitsadmin|msiexec|wmic|explorer)(?:\.exe)?\b",
    re.IGNORECASE,
)
_REMOTE = re.compile(r"(?:https?|ftp|file|mhtml|x-usc|ms-\w+):|\\\\", re.IGNORECASE)
_HTML_OBJECT = re.compile(r"mhtml:|x-usc:|\.html?!", re.IGNORECASE)
_SCRIPT = re.compile(r"(?:script|scriptlet|soap|javascript|vbscript):", re.IGNORECASE)
_LOOKED, _FOUND = 20 << 20, 100


def confidence(head: bytes, name: str) -> float:
    """Is a part as XML; which one, its content says."""
    return 0.8 if name.lower().endswith((".rels", ".xml", ".vml")) and b"<" in head[:200] else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What one part names that lies elsewhere, and which programs its fields start."""
    gaps = [] if len(data) <= _LOOKED else [Gap("limit", f"only the first {_LOOKED:,} bytes looked at")]
    text = _plain(data[:_LOOKED])
    found = [*_relations(text), *_links(text), *_fields(text), *markup.features(text)]
    if len(found) > _FOUND:
        gaps.append(Gap("limit", f"only {_FOUND} of {len(found):,} links and fields told"))
    return Analysis(tuple(found[:_FOUND]), gaps=tuple(gaps))


def _plain(text: bytes) -> bytes:
    """`text` in UTF-8; a part may be UTF-16 as well, which expressions over bytes do not see through."""
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return text.decode("utf-16", "replace").encode()
    if text[:4] in (b"<\0?\0", b"\0<\0?"):
        return text.decode("utf-16-le" if text[:1] == b"<" else "utf-16-be", "replace").encode()
    return text


def _attributes(text: bytes) -> dict[str, str]:
    return {
        key.decode("ascii", "replace").lower(): html.unescape((a or b).decode("utf-8", "replace"))
        for key, a, b in _ATTRIBUTE.findall(text)
    }


def _relations(text: bytes) -> Iterator[Feature]:
    """Relationships that lead out of the package; links that a reader clicks on are none."""
    for match in _RELATIONSHIP.finditer(text):
        row = _attributes(match[1])
        kind = row.get("type", "").rpartition("/")[2].lower()
        target = row.get("target", "").strip()
        if row.get("targetmode", "").lower() != "external" or kind in ("hyperlink", ""):
            continue
        if _SCRIPT.match(target):
            yield Feature("ooxml.script_object", f"{kind}: {target}", offset=match.start())
        elif kind == "oleobject" and _HTML_OBJECT.search(target):
            yield Feature("ooxml.html_object", target, offset=match.start())
        elif kind == "attachedtemplate" and _REMOTE.match(target):
            yield Feature("ooxml.external_template", target, offset=match.start())
        elif kind in ("oleobject", "frame", "subdocument", "control") and _REMOTE.match(target):
            yield Feature("ooxml.external_object", f"{kind}: {target}", offset=match.start())
        else:
            yield Feature("ooxml.external_part", f"{kind}: {target}", offset=match.start())


def _links(text: bytes) -> Iterator[Feature]:
    """DDE links of workbooks."""
    for match in _DDE_LINK.finditer(text):
        row = _attributes(match[1])
        yield asked(f"{row.get('ddeservice', '')} {row.get('ddetopic', '')}", "dde.link", match.start())


def _fields(text: bytes) -> Iterator[Feature]:
    """DDE fields of documents. An instruction may be broken up over many runs, and hold fields that spell a part of it."""
    if b"instr" not in text and b"fldSimple" not in text:
        return
    open_fields: list[tuple[list[str], int]] = []  # the pieces of each, up to its result; and where it begins
    for match in _FIELD.finditer(text):
        simple, piece, mark = match[1] or match[2], match[3], match[4]
        if simple:
            yield from dde(_unescaped(simple), match.start())
        elif mark == b"begin":
            open_fields.append(([], match.start()))
        elif piece is not None:
            if not open_fields:
                open_fields.append(([], match.start()))
            open_fields[-1][0].append(_unescaped(piece))
        elif open_fields and mark == b"end":
            yield from _closed(open_fields)
    while open_fields:
        yield from _closed(open_fields)


def _closed(open_fields: list[tuple[list[str], int]]) -> Iterator[Feature]:
    """The innermost field ends: what it asks for, and what it spells for the field around it."""
    pieces, start = open_fields.pop()
    instruction = "".join(pieces)
    yield from dde(instruction, start)
    if open_fields:
        open_fields[-1][0].append(_quoted(instruction))


def _quoted(instruction: str) -> str:
    """What a QUOTE field spells, by codes or in quotes."""
    match = _QUOTE.match(instruction)
    if match is None:
        return ""
    return match[2] if match[2] is not None else "".join(chr(int(code)) for code in match[1].split())


def _unescaped(text: bytes) -> str:
    return html.unescape(text.decode("utf-8", "replace"))


def dde(instruction: str, offset: int) -> Iterator[Feature]:
    """What the instruction of a field asks for, where that is DDE."""
    if match := _DDE.match(instruction):
        if match[1]:
            yield Feature("dde.field_auto", match[2].strip(), offset=offset)
        else:
            yield asked(match[2].strip(), "dde.field", offset)


def asked(request: str, name: str, offset: int | None = None) -> Feature:
    """A request by DDE, by `name`; where it is for a shell or an interpreter, it is for starting a program."""
    return Feature("dde.program" if _SHELL.search(request) else name, request, offset=offset)
