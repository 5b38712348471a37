"""Parts of OOXML documents: what they fetch from elsewhere (relationships), and DDE fields (ECMA-376, parts 1 and 2).

Each part is an artifact of its own, out of the zip or the flat XML, so that this looks at one part at a time. Regular expressions over the
text, not a parser: a hostile part has entities that expand and elements that nest, and all that is asked is which attributes stand in one tag.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from kazami.detect.content.exploit import MEANINGS as OF_EXPLOIT
from kazami.detect.content.exploit import markup
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Feature, Gap, Scope

MEANINGS = {**OF_EXPLOIT, **meanings(__file__)}

_RELATIONSHIP = re.compile(rb"<(?:\w+:)?Relationship\s([^>]{1,8000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"(\w+)\s*=\s*(?:\"([^\"]{0,4000})\"|'([^']{0,4000})')")
_DDE_LINK = re.compile(rb"<(?:\w+:)?ddeLink\s([^>]{1,4000})>", re.IGNORECASE)
_FIELD = re.compile(
    rb"<\w+:fldSimple\s[^>]{0,400}?\w+:instr\s*=\s*(?:\"([^\"]{0,4000})\"|'([^']{0,4000})')|<\w+:instrText\b[^>]{0,400}>([^<]{0,4000})<"
    rb"|<\w+:fldChar\s[^>]{0,400}?\w+:fldCharType\s*=\s*[\"'](begin|end|separate)[\"']"
)
_QUOTE = re.compile(
    r"\s*QUOTE\s+((?:\d{1,5}\s+)*\d{1,5})\s*(?:\\|$)|\s*QUOTE\s+\"([^\"]{0,1000})\"", re.IGNORECASE
)
#: Fields that name a text for others, and that put it in.
_SET = re.compile(r"\s*SET\s+(\S{1,80})[\s\"]+(.{1,400}?)[\s\"]*$", re.IGNORECASE | re.DOTALL)
_REF = re.compile(r"\s*(?:REF\s+)?(\w{1,80})\s*(?:\\.{0,40})?$", re.IGNORECASE)
_FETCHES = re.compile(
    r"\s*(?:INCLUDE(?:PICTURE|TEXT)|IMPORT|RD|LINK\s+\S{1,80})\s+\"?\s*((?:https?:|ftp:|file:|\\\\)[^\s\"]{3,1000})",
    re.IGNORECASE,
)
_DDE = re.compile(r"[\s\"]*(?:SET\s+\S{1,80}[\s\"]+)?DDE(AUTO)?\b\s+(.{1,400})", re.IGNORECASE | re.DOTALL)
_SHELL = re.compile(
    r"\b(?:cmd|powershell|pwsh|mshta|rundll32|regsvr32|wscript|cscript|certutil|bitsadmin|msiexec|wmic|explorer)(?:\.exe)?\b",
    re.IGNORECASE,
)
_REMOTE = re.compile(r"(?:https?|ftp|file|mhtml|x-usc|ms-\w+):|\\\\", re.IGNORECASE)
_LOCAL = re.compile(r"file:(?:/{0,3}(?:[A-Za-z][:|]|%\w+%)|(?:/|/{3})?(?![/\\]))", re.IGNORECASE)
#: A machine of one's own house: a name without dots, on a share; or the house's own part of a large service.
_OF_THE_HOUSE = re.compile(
    r"(?:file:)?[/\\]{2,7}(?![^/\\]{0,200}[.@])[^/\\]+[/\\]|https://[\w-]+\.sharepoint\.com/", re.IGNORECASE
)
_FOREIGN_SHARE = re.compile(
    r"(?:file:)?[/\\]{2,7}(?:[^/\\]{1,200}@(?:ssl|\d)|(?:\d{1,3}\.){3}\d{1,3}|[^/\\]{1,200}[/\\]davwwwroot)",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"<\w+:hlink(Click|Hover|MouseOver)\s[^>]{0,2000}?action\s*=\s*[\"']ppaction://program", re.IGNORECASE
)
_FORMULA = re.compile(rb"<(?:\w+:)?(?:f|definedName)(?:\s[^>]{0,400})?>([^<]{3,8000})</")
_SERVICE = re.compile(r"(?:^|[-=+*/(,;&<>])\s*(\w[\w.]{1,100}\|.{1,400}?!.{1,80})", re.DOTALL)
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
    found = [
        *_relations(text),
        *_links(text),
        *_formulas(text),
        *_fields(text),
        *_actions(text),
        *markup.features(text),
    ]
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
    """Relationships that lead out of the package; of links that a reader clicks on, those that open no page."""
    for match in _RELATIONSHIP.finditer(text):
        row = _attributes(match[1])
        kind = row.get("type", "").rpartition("/")[2].lower()
        target = row.get("target", "").strip()
        if row.get("targetmode", "").lower() != "external" or not kind:
            continue
        if kind == "hyperlink":
            yield from _clicked(target, match.start())
        elif _SCRIPT.match(target):
            yield Feature("ooxml.script_object", f"{kind}: {target}", offset=match.start())
        elif kind == "oleobject" and _HTML_OBJECT.search(target):
            yield Feature("ooxml.html_object", target, offset=match.start())
        elif kind == "attachedtemplate" and _REMOTE.match(target) and not _LOCAL.match(target):
            level = "low" if _OF_THE_HOUSE.match(target) else ""
            yield Feature("ooxml.external_template", target, offset=match.start(), level=level)
        elif kind in ("oleobject", "frame", "subdocument", "control") and _REMOTE.match(target):
            yield Feature("ooxml.external_object", f"{kind}: {target}", offset=match.start())
        else:
            yield Feature("ooxml.external_part", f"{kind}: {target}", offset=match.start())


def _clicked(target: str, offset: int) -> Iterator[Feature]:
    plain = unquote(target)
    if not re.match(r"(?:https?|mailto|ftp):|#", plain, re.IGNORECASE) and _SHELL.search(plain[:400]):
        yield Feature("ooxml.link_to_program", plain, offset=offset)
    elif _FOREIGN_SHARE.match(plain):
        yield Feature("ooxml.link_to_share", plain, offset=offset)


def _actions(text: bytes) -> Iterator[Feature]:
    """Programs that a presentation starts."""
    if b"ppaction://program" in text:
        for match in _OPENS.finditer(text.decode("utf-8", "replace")):
            yield Feature(
                "ooxml.action_program",
                "by a click" if match[1].lower() == "click" else "by pointing at it",
                level="" if match[1].lower() == "click" else "high",
            )


def _formulas(text: bytes) -> Iterator[Feature]:
    """Formulas of workbooks that ask other programs or servers. What stands in quotes is text."""
    if b"|" not in text and b"WEBSERVICE" not in text:
        return
    for match in _FORMULA.finditer(text):
        formula = re.sub(r'"[^"]*"', '""', _unescaped(match[1]))
        if found := _SERVICE.search(formula):
            yield asked(found[1], "dde.link", match.start())
        if "WEBSERVICE(" in formula.upper():
            yield Feature("ooxml.formula_fetches", _unescaped(match[1])[:400], offset=match.start())


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
    named: dict[str, str] = {}
    for match in _FIELD.finditer(text):
        simple, piece, mark = match[1] or match[2], match[3], match[4]
        if simple:
            yield from field(_unescaped(simple), match.start())
        elif mark == b"begin":
            open_fields.append(([], match.start()))
        elif piece is not None:
            if not open_fields:
                open_fields.append(([], match.start()))
            open_fields[-1][0].append(_unescaped(piece))
        elif open_fields and mark == b"end":
            yield from _closed(open_fields, named)
    while open_fields:
        yield from _closed(open_fields, named)


def _closed(open_fields: list[tuple[list[str], int]], named: dict[str, str]) -> Iterator[Feature]:
    """The innermost field ends: what it asks for, and what it spells for the field around it, or for others by a name."""
    pieces, start = open_fields.pop()
    instruction = "".join(pieces)
    yield from field(instruction, start)
    if match := _SET.match(instruction):
        named[match[1].lower()] = match[2]
    elif open_fields:
        open_fields[-1][0].append(_quoted(instruction, named))


def _quoted(instruction: str, named: Mapping[str, str]) -> str:
    """What a QUOTE field spells, by codes or in quotes, and what stands under the name of a REF field."""
    match = _QUOTE.match(instruction)
    if match is None:
        of = _REF.match(instruction)
        return named.get(of[1].lower(), "") if of else ""
    return match[2] if match[2] is not None else "".join(chr(int(code) & 0xFFFF) for code in match[1].split())


def _unescaped(text: bytes) -> str:
    return html.unescape(text.decode("utf-8", "replace"))


def field(instruction: str, offset: int) -> Iterator[Feature]:
    """What the instruction of a field asks for: another program by DDE, or something that lies elsewhere."""
    if match := _DDE.match(instruction):
        if match[1]:
            yield Feature("dde.field_auto", match[2].strip(), offset=offset)
        else:
            yield asked(match[2].strip(), "dde.field", offset)
    elif (match := _FETCHES.match(instruction)) and not _LOCAL.match(match[1]):
        level = "medium" if _FOREIGN_SHARE.match(match[1]) else ""
        yield Feature("field.fetches", match[1], offset=offset, level=level)


def asked(request: str, name: str, offset: int | None = None) -> Feature:
    """A request by DDE, by `name`; where it is for a shell or an interpreter, it is for starting a program."""
    return Feature("dde.program" if _SHELL.search(request) else name, request, offset=offset)
