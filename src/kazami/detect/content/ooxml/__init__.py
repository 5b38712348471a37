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
    rb"<w:fldSimple\s[^>]{0,400}?w:instr=\"([^\"]{0,4000})\"|<w:instrText\b[^>]{0,400}>([^<]{0,4000})<|<w:fldChar\s[^>]{0,400}?w:fldCharType=\"(begin|end|separate)\""
)
_DDE = re.compile(r"\bDDE(AUTO)?\b\s+(.{1,400})", re.IGNORECASE | re.DOTALL)
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
    """DDE fields of documents; an instruction may be broken up over many runs, and is put together again."""
    if b"instr" not in text and b"fldSimple" not in text:
        return
    instruction, start = "", 0
    for match in _FIELD.finditer(text):
        if match[3] in (b"begin", b"separate", b"end"):
            yield from dde(instruction, start)
            instruction, start = "", match.start()
        elif match[1] is not None:
            yield from dde(html.unescape(match[1].decode("utf-8", "replace")), match.start())
        else:
            instruction += html.unescape(match[2].decode("utf-8", "replace"))
    yield from dde(instruction, start)


def dde(instruction: str, offset: int) -> Iterator[Feature]:
    """What the instruction of a field asks for, where that is DDE."""
    if match := _DDE.search(instruction):
        if match[1]:
            yield Feature("dde.field_auto", match[2].strip(), offset=offset)
        else:
            yield asked(match[2].strip(), "dde.field", offset)


def asked(request: str, name: str, offset: int | None = None) -> Feature:
    """A request by DDE, by `name`; where it is for a shell or an interpreter, it is for starting a program."""
    return Feature("dde.program" if _SHELL.search(request) else name, request, offset=offset)
