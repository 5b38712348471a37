"""The name of a file against its content: what makes a program look like a document (threats: MITRE ATT&CK T1036).

Content is never doubted, only the name: disagreement is evidence. Extensions that share a kind of content (``.doc`` on
RTF, ``.docx`` as a zip) agree; the table is `identify/kinds.yml`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from kazami.detect.content.identify import claimed, extension, kind, kinds
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Feature, Scope

MEANINGS = meanings(__file__)
#: The same bytes under another name are looked at again.
BY_NAME = True
#: What is known may lie under a name that lies.
IF_KNOWN = True

_OVERRIDE = re.compile("[\u202d\u202e]")
_MARKS = re.compile("[\u200e\u200f\u061c\u202a-\u202c\u2066-\u2069]")
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u200b\ufeff]")
_PADDED = re.compile(r"[\s\u3000\u00a0\u2800_]{5,}\.?\w{1,5}$")
_DOUBLE = re.compile(
    r"\.(?:docx?|docm|xlsx?|xlsm|pptx?|pdf|rtf|txt|csv|jpe?g|png|gif|bmp|mp[34]|zip|html?|jtd)[\s_\u3000\u00a0.]*"
    r"\.(?:exe|scr|com|pif|bat|cmd|jse?|vb[se]|ws[fh]|hta|lnk|cpl|msi|ps1|dll|jar|chm|url|iso|img)$",
    re.IGNORECASE,
)
_RUNNING = frozenset(("program", "shortcut", "installer"))
_HARMLESS = frozenset(("office", "document", "picture", "text", "mail", "font", "movie", "page"))


def confidence(head: bytes, name: str) -> float:
    """Every name is looked at."""
    return 1.0 if name else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What the name does to look like something else, and where content and extension disagree."""
    name = scope.name
    found = scope.kind or kind(data, name)
    return Analysis(tuple(Feature(*row) for row in (*_written(name), *_against(name, found))))


def _written(name: str) -> Iterator[tuple[str, str]]:
    """Tricks of the name alone."""
    if _OVERRIDE.search(name):
        yield "name.right_to_left", name
    elif _MARKS.search(name):
        yield "name.direction_mark", name
    if _CONTROL.search(name):
        yield "name.control", name
    if _DOUBLE.search(name.rstrip(". ")):
        yield "name.double_extension", name
    if _PADDED.search(name):
        yield "name.padding", name
    if name != name.rstrip(". ") and extension(name):
        yield "name.trailing", name
    last = name.rpartition(".")[2] if "." in name else ""
    folded = unicodedata.normalize("NFKC", last)
    if (last and folded.isascii() and last != folded and claimed(folded.lower())) or _confusable(last):
        yield "name.lookalike_extension", last


#: Cyrillic and Greek letters that are drawn like Latin ones (Unicode UTS 39, confusables).
_LOOKALIKES = str.maketrans("асеорхуіјѕѐԁԛԝкмтнвгαεορνιτκχυѵӏ", "aceopxyijseɗqwkmthbraeopvitkxuvl")


def _confusable(last: str) -> bool:
    return bool(last) and not last.isascii() and bool(claimed(last.lower().translate(_LOOKALIKES)))


def _against(name: str, found: str) -> Iterator[tuple[str, str]]:
    """Content of `found` kind under a name that claims another."""
    ending = extension(name)
    agreed = claimed(ending)
    if not agreed or found in ("data", "empty") or found in agreed:
        return
    all_kinds = kinds()
    is_family = all_kinds[found].family
    families = {all_kinds[kind].family for kind in agreed}
    if is_family in families:
        return
    value = f"{all_kinds[found].title} as .{ending}"
    if is_family in _RUNNING and families <= _HARMLESS:
        yield "name.program_as_other", value
    elif is_family == "script" and families <= _HARMLESS - {"text", "page"}:
        yield "name.script_as_other", value
    elif is_family not in ("text", "data"):
        yield "name.other_kind", value
