"""HTML and SVG pages that carry files: smuggling (MITRE ATT&CK T1027.006), data URLs, forms that ask for passwords.

Base64 of any length in scripts, attributes and ``data:`` addresses is decoded, and what it is becomes a child. A page with a blob is
ordinary; a page that makes a program or an archive out of one and hands it to the browser is not.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from kazami.detect.content.identify import HEAD, RUNS, kind, kinds
from kazami.detect.content.identify.text import plain
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

MEANINGS = meanings(__file__)

_BLOB = re.compile(rb"[A-Za-z0-9+/]{400,}={0,2}")
_JOINED = re.compile(rb"[\"']\s*\+\s*[\"']")  # pieces of a text that is put together again
_DATA = re.compile(
    rb"data:([\w.+-]+/[\w.+-]+)?((?:;[\w=.-]+)*),([A-Za-z0-9+/=%_.~!*'()-]{20,})", re.IGNORECASE
)
_HANDS_OVER = re.compile(
    rb"mssaveoropenblob|mssaveblob|createobjecturl|new\s+blob\s*\(|new\s+file\s*\(|\.download\s*=|\bdownload\s*=\s*[\"']",
    re.IGNORECASE,
)
_CLICKS = re.compile(rb"\.click\s*\(\s*\)|dispatchevent", re.IGNORECASE)
_NAME = re.compile(
    rb"(?:\.download\s*=|download\s*=|setattribute\(\s*[\"']download[\"']\s*,)\s*[\"']([^\"'<>]{1,120})[\"']",
    re.IGNORECASE,
)
_PASSWORD = re.compile(rb"<input[^>]{0,300}type\s*=\s*[\"']?password", re.IGNORECASE)
_ACTION = re.compile(rb"<form[^>]{0,300}action\s*=\s*[\"']?(https?://[^\"'\s>]{4,200})", re.IGNORECASE)
_REFRESH = re.compile(
    rb"<meta[^>]{0,200}http-equiv\s*=\s*[\"']?refresh[^>]{0,40}url\s*=\s*([^\"'>\s]{4,200})", re.IGNORECASE
)
#: What only the script host, an HTML application or the oldest browser can do, in whatever language.
_SYSTEM = re.compile(
    rb"(?:createobject|activexobject)\s*\(\s*[\"'](?:wscript\.shell|shell\.application|adodb\.stream|scripting\.filesystemobject)",
    re.IGNORECASE,
)
_DIAGNOSTIC = re.compile(
    rb"ms-msdt:(?:(?!ms-msdt:)[^<>\r\n]){0,400}?(?:it_browseforfile|it_rebrowseforfile|pcwdiagnostic)",
    re.IGNORECASE,
)
_SEARCH = re.compile(
    rb"search(?:-ms)?:(?:(?!search)[^<>\"'\r\n]){0,300}?location:[^<>\"'\r\n]{0,20}?(?:\\\\|%5c%5c|//)[^<>\"'\r\n]{0,200}",
    re.IGNORECASE,
)
_SHARE = re.compile(
    rb"(?:href|src|url|location)\s*[=:]\s*[\"']?\s*(file:/{2,5}(?![A-Za-z]:|/|localhost)[\w.@-]{3,}[^\"'\s<>]{0,200}|\\\\[\w.@-]{3,}\\[^\"'\s<>]{0,200})",
    re.IGNORECASE,
)
_SCRIPT = re.compile(rb"<script\b([^<>]{0,500})>(.*?)(?:</script\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_LANGUAGE = re.compile(rb"vbs|vbe", re.IGNORECASE)
_WRAPPED = re.compile(rb"\s*(?:<!\[CDATA\[|<!--[^\r\n]*)|(?:\]\]>|-->)\s*\Z")
_ATTRIBUTE = re.compile(  # code outside of script elements, where it makes code or objects
    rb"\b(?:on\w{3,20}|href|src|action)\s*=\s*(?:\"([^\"]{20,20000})\"|'([^']{20,20000})')", re.IGNORECASE
)
_MAKES = re.compile(
    rb"(vbscript:|javascript:)?.*?\b(?:execute|eval|activexobject|createobject|fromcharcode|getobject)\b",
    re.IGNORECASE | re.DOTALL,
)
_CARRIES = frozenset(
    ("program", "script", "shortcut", "installer", "archive", "image_of_disk", "office", "document")
)
_HIDES = frozenset((*RUNS, "image_of_disk", "archive"))
_LOOKED = 20 << 20
_BLOBS = 100


def confidence(head: bytes, name: str) -> float:
    """Is HTML or SVG by its first words."""
    return 1.0 if kind(head, name) in ("html", "svg", "hta", "wsf") else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Files and scripts in the page as children, and how the page hands them over."""
    text = plain(data[:_LOOKED]) or data[:_LOOKED]
    gaps = [] if len(data) <= _LOOKED else [Gap("limit", f"only the first {_LOOKED:,} bytes looked at")]
    children = [*_scripts(text), *_carried(text)]
    features = [*_features(text, children), *_reaches(text, scope.kind)]
    if sum(c.relation == "decoded" for c in children) >= _BLOBS:
        gaps.append(Gap("limit", f"only {_BLOBS} encoded pieces looked at"))
    return Analysis(tuple(features), tuple(children), tuple(gaps))


def _scripts(text: bytes) -> Iterator[Child]:
    for number, match in enumerate(_SCRIPT.finditer(text)):
        if match[2].strip() and number < _BLOBS:
            ending = "vbs" if _LANGUAGE.search(match[1]) else "js"
            yield Child(f"script{number}.{ending}", _WRAPPED.sub(b"", match[2]), relation="stream")
    for number, match in zip(range(_BLOBS), _ATTRIBUTE.finditer(text), strict=False):
        code = html.unescape((match[1] or match[2]).decode("utf-8", "replace")).encode("utf-8")
        if makes := _MAKES.match(code):
            scheme = (makes[1] or b"").lower()
            ending = "vbs" if scheme.startswith(b"vb") else "js"
            yield Child(f"attribute{number}.{ending}", code[len(scheme) :], relation="stream")


def _carried(text: bytes) -> Iterator[Child]:
    """What is encoded in the page, decoded; of known kinds only, and nothing that pages are made of."""
    count = 0
    for place, offset, content in (*unpacked(text), *_blobs(_JOINED.sub(b"", text))):
        found = kinds()[kind(content)]
        active = found.family == "page" and _SCRIPT.search(content) is not None
        if (found.family not in _CARRIES and not active) or count >= _BLOBS:
            continue
        count += 1
        yield Child(
            f"blob{count}.{(found.extensions or ('bin',))[0]}", content, f"{place} @{offset}", "decoded"
        )


def unpacked(text: bytes) -> Iterator[tuple[str, int, bytes]]:
    """What stands in ``data:`` addresses: how, where, content."""
    for match in _DATA.finditer(text):
        body = unquote_to_bytes(match[3])
        content = _decoded(body) if b"base64" in match[2].lower() else body
        if content:
            yield "data URL", match.start(), content


def _blobs(text: bytes) -> Iterator[tuple[str, int, bytes]]:
    for match in _BLOB.finditer(text):
        if content := _decoded(match[0]):
            yield "base64", match.start(), content
            if content[:400].isalnum():  # encoded twice
                yield "base64 of base64", match.start(), _decoded(content)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def handed_over(children: Sequence[Child], offset: int | None = None) -> Iterator[Feature]:
    """What is said of files that a page makes and gives to whoever looks at it."""
    for child in children[:5]:
        family = kinds()[kind(child.data[:HEAD], child.name)].family
        if family in _CARRIES:
            yield Feature(
                "html.smuggled" if family in _HIDES else "html.carries_file", child.name, child.place, offset
            )


def _features(text: bytes, children: list[Child]) -> Iterator[Feature]:
    hands = _HANDS_OVER.search(text)
    name = next((match[1].decode("utf-8", "replace") for match in _NAME.finditer(text)), "")
    carried = [c for c in children if c.relation == "decoded"]
    if hands:
        yield from handed_over([replace(child, name=name or child.name) for child in carried], hands.start())
        if not carried and _CLICKS.search(text) and name:
            yield Feature("html.makes_file", name, offset=hands.start())
    for child in () if hands else carried[:5]:
        yield Feature("html.carries_file", child.name, child.place)
    if match := _PASSWORD.search(text):
        action = _ACTION.search(text)
        where = action[1].decode("utf-8", "replace") if action else ""
        yield Feature("html.asks_for_password", where, offset=match.start())
    if match := _REFRESH.search(text):
        yield Feature("html.redirects", match[1].decode("utf-8", "replace"), offset=match.start())


def _reaches(text: bytes, kind_of: str) -> Iterator[Feature]:
    """What a page reaches for beyond its browser."""
    if match := _SYSTEM.search(text):
        level = "" if kind_of in ("html", "svg") else "low"  # what else is a page is made to
        yield Feature("html.reaches_system", match[0].decode("latin-1"), offset=match.start(), level=level)
    for name, pattern in (("html.diagnostic_tool", _DIAGNOSTIC), ("html.searches_share", _SEARCH)):
        if match := pattern.search(text):
            yield Feature(name, match[0].decode("utf-8", "replace"), offset=match.start())
    if match := _SHARE.search(text):
        yield Feature("html.remote_share", match[1].decode("utf-8", "replace"), offset=match.start())
