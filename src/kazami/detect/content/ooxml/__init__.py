"""Parts of OOXML documents: what they fetch from elsewhere (relationships), and DDE fields (ECMA-376, parts 1 and 2).

Each part is an artifact of its own, out of the zip or the flat XML, so that this looks at one part at a time. Regular expressions over the
text, not a parser: a hostile part has entities that expand and elements that nest, and all that is asked is which attributes stand in one tag.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Feature, Gap, Scope

MEANINGS = meanings(__file__)

_RELATIONSHIP = re.compile(rb"<(?:\w+:)?Relationship\s([^>]{1,8000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"(\w+)\s*=\s*(?:\"([^\"]{0,4000})\"|'([^']{0,4000})')")
_DDE_LINK = re.compile(rb"<(?:\w+:)?ddeLink\s([^>]{1,4000})>", re.IGNORECASE)
_FIELD = re.compile(
    rb"<w:fldSimple\s[^>]{0,400}?w:instr=\"([^\"]{0,4000})\"|<w:instrText\b[^>]{0,400}>([^<]{0,4000})<|<w:fldChar\s[^>]{0,400}?w:fldCharType=\"(begin|end|separate)\""
)
_DDE = re.compile(r"\bDDE(AUTO)?\b\s+(.{1,400})", re.IGNORECASE | re.DOTALL)
_REMOTE = re.compile(r"(?:https?|ftp|file|mhtml|x-usc|ms-\w+):|\\\\", re.IGNORECASE)
_HTML_OBJECT = re.compile(r"mhtml:|x-usc:|\.html?!", re.IGNORECASE)
_LOOKED, _FOUND = 20 << 20, 100


def confidence(head: bytes, name: str) -> float:
    """Is a part as XML; which one, its content says."""
    return 0.8 if name.lower().endswith((".rels", ".xml")) and b"<" in head[:200] else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What one part names that lies elsewhere, and which programs its fields start."""
    gaps = [] if len(data) <= _LOOKED else [Gap("limit", f"only the first {_LOOKED:,} bytes looked at")]
    text = data[:_LOOKED]
    found = [*_relations(text), *_links(text), *_fields(text)]
    if len(found) > _FOUND:
        gaps.append(Gap("limit", f"only {_FOUND} of {len(found):,} links and fields told"))
    return Analysis(tuple(found[:_FOUND]), gaps=tuple(gaps))


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
        if kind == "oleobject" and _HTML_OBJECT.search(target):
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
        yield Feature(
            "dde.link", f"{row.get('ddeservice', '')} {row.get('ddetopic', '')}", offset=match.start()
        )


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
        yield Feature("dde.field_auto" if match[1] else "dde.field", match[2].strip(), offset=offset)
