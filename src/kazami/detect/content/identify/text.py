"""Which kind of text, and which language a script is written in: a few tokens each, and the name where they leave it open.

Tokens are weighed, not parsed: a language is taken where its tokens reach a threshold, a lower one where the
extension says the same. Sources: the languages' own keywords and idioms that no other of them shares.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_LOOK = 32 << 10
_ENOUGH, _WITH_NAME = 3, 1


class _Language(NamedTuple):
    kind: str
    extensions: frozenset[str]
    tokens: re.Pattern[bytes]


def _language(kind: str, extensions: str, *tokens: bytes) -> _Language:
    return _Language(kind, frozenset(extensions.split()), re.compile(b"|".join(tokens), re.IGNORECASE))


_LANGUAGES = (
    _language(
        "powershell", "ps1 psm1 psd1",
        rb"\$\w+\s*=\s*(?:new-object|\[|@[({])", rb"\b(?:write-(?:host|output)|new-object|invoke-\w+|get-\w+|set-\w+|start-process|iex)\b",
        rb"\[(?:system\.|convert|char|byte\[\]|void|reflection|net\.)", rb"\bparam\s*\(", rb"\s-(?:eq|ne|like|match|join|bxor)\s", rb"\$env:\w", rb"\|\s*(?:%|foreach-object|where-object)",
    ),
    _language(
        "batch", "bat cmd",
        rb"^\s*@?echo\s+off", rb"^\s*rem\s", rb"^\s*set\s+(?:/[ap]\s+)?\"?\w+=", rb"%\w+(?::~?[^%\r\n]{1,20})?%", rb"%~dp0", rb"^\s*goto\s+:?\w", rb"\bif\s+(?:not\s+)?(?:exist|errorlevel|defined)\b", rb"\bsetlocal\b", rb">nul\b",
    ),
    _language(
        "vbscript", "vbs",
        rb"^\s*dim\s+\w", rb"^\s*set\s+\w+\s*=\s*(?:createobject|wscript|getobject)", rb"\bcreateobject\s*\(", rb"\bon\s+error\s+resume\s+next", rb"^\s*end\s+(?:sub|function|if|select)", rb"\bwscript\.\w", rb"\bexecute(?:global)?[\s(]", rb"\bchrw?\s*\(", rb"\bstrreverse\s*\(",
    ),
    _language(
        "vba", "bas cls frm vba",
        rb"^attribute\s+vb_", rb"\bas\s+(?:string|long|integer|object|variant|byte)\b", rb"^\s*(?:private|public)\s+(?:sub|function|declare)", rb"\bsub\s+(?:auto_?open|document_open|workbook_open)", rb"\bactivedocument\b", rb"\bdeclare\s+(?:ptrsafe\s+)?function",
    ),
    _language(
        "jscript", "js jse mjs cjs",
        rb"\bfunction\s*\w*\s*\(", rb"\bvar\s+\w", rb"\b(?:const|let)\s+[\w{\[]", rb"=>\s*[{(\w]", rb"\bnew\s+activexobject", rb"\bdocument\.\w", rb"\bstring\.fromcharcode", rb"===", rb"\beval\s*\(", rb"\brequire\s*\(", rb"\bwscript\.(?:createobject|echo|sleep)",
    ),
    _language("shell", "sh bash", rb"\A#!\s*/(?:usr/)?bin/(?:env\s+)?(?:ba|da|k|z)?sh", rb"\bthen\s*$", rb"^\s*fi\s*$", rb"^\s*done\b", rb"\$\(\w", rb"\bchmod\s+[+0-7]", rb"\b(?:curl|wget)\s+-"),
    _language("python", "py pyw", rb"\A#!.*python", rb"^\s*def\s+\w+\(.*\).*:\s*$", rb"^\s*(?:from\s+[\w.]+\s+)?import\s+\w", rb"^\s*class\s+\w+.*:\s*$", rb"__name__\s*==", rb"^\s*elif\s.*:\s*$"),
    _language("perl", "pl pm", rb"\A#!.*perl", rb"^\s*my\s+[$@%]\w", rb"^\s*use\s+(?:strict|warnings)", rb"^\s*sub\s+\w+\s*\{"),
)  # fmt: skip
_MULTILINE = [(lang, re.compile(lang.tokens.pattern, re.IGNORECASE | re.MULTILINE)) for lang in _LANGUAGES]

#: What the first words say, whatever follows.
_BEGINS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (rb"From \S+.{0,80}\d\d:\d\d", "mbox"),
        (rb"(?:<\?xml[^>]{0,200}\?>\s*)?<(?:job|package|component|scriptlet)[\s>]", "wsf"),
        (rb"(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,400}?-->\s*)*<\?mso-application", "flat_opc"),
        (rb"(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!(?:--|DOCTYPE)[^>]{0,400}>\s*)*<svg[\s>]", "svg"),
        (rb"<\?xml[\s\S]{0,600}<pkg:package", "flat_opc"),
        (rb"<(?:\?php|\?=)", "php"),
        (rb"<%@?\s*(?:page|language|import|webhandler)", "jsp"),
        (rb"(?:\s|<!--.{0,400}?-->)*<(?:!doctype\s+html|html|head|body|script|iframe|meta\s)", "html"),
        (rb"<\?xml[\s\S]{0,400}<(?:!doctype\s+)?html", "html"),
        (
            rb"(?:<\?xml[^>]{0,200}\?>\s*)?<(?:PCSettings|libraryDescription|persistedQuery|searchConnectorDescription|MMC_ConsoleFile)[\s>]",
            "handler",
        ),
        (
            rb"(?:<\?xml[^>]{0,200}\?>\s*)?<(?:asmv1:)?assembly\s[\s\S]{0,4000}?<(?:asmv2:)?deployment\s",
            "handler",
        ),
        (rb"\[shell\]\s{1,8}command\s*=", "handler"),
        (rb"(?:[\w ]{3,60}:[isb]:[^\r\n]{0,400}\s+){0,60}?full address:s:", "handler"),
        (rb"<\?xml\b", "xml"),
        (rb"-----BEGIN [A-Z0-9 ]{3,40}-----", "pem"),
        (rb"(?:windows registry editor version|regedit4)", "reg"),
        (rb"\[internetshortcut\]", "url"),
        (rb"web\s+1\s+https?:", "iqy"),
        (rb"begin:vcalendar", "ics"),
        (rb"\[(?:version|autorun|\.shellclassinfo|desktop entry)\]", "inf"),
        (rb"\{\s*\"", "json"),
    )
)
_HEADER = re.compile(
    rb"^(?:received|return-path|delivered-to|from|to|cc|subject|date|message-id|mime-version|content-type|reply-to|x-[\w-]+"
    rb"|dkim-signature|authentication-results|arc-seal|sender|list-id)\s*:",
    re.IGNORECASE | re.MULTILINE,
)


#: A page with its parts, as Office saves one (MHTML): it has no sender.
_PAGE_OF_OFFICE = re.compile(rb"^content-type\s*:\s*multipart/related", re.IGNORECASE | re.MULTILINE)


@lru_cache(maxsize=64)  # every analyzer asks for the same few heads
def kind(head: bytes, extension: str) -> str:
    """``powershell``, ``html``, ``eml`` ... ``text``; "" where `head` is no text."""
    text = plain(head[:_LOOK])
    if text is None:
        return ""
    begin = text.lstrip(b" \t\r\n\xef\xbb\xbf")
    if _mail(begin):
        return "eml"
    found = next((kind for pattern, kind in _BEGINS if pattern.match(begin)), "")
    if found == "html" and (extension == "hta" or b"<hta:application" in text.lower()):
        return "hta"
    return (
        found
        or _script(text, extension)
        or ("html" if extension in ("html", "htm") and b"<" in text else "text")
    )


def plain(head: bytes) -> bytes | None:
    """Text in one byte a character, from UTF-8, UTF-16 or a code page; None where it is no text."""
    if marked_wide(head):
        return head.decode("utf-16", "replace").encode("utf-8", "replace")
    if len(head) > 16 and head[1::2].count(0) > len(head) // 2 * 0.8:
        return head.decode("utf-16-le", "replace").encode("utf-8", "replace")
    control = sum(head.count(code) for code in range(32) if code not in (9, 10, 12, 13, 27))
    return None if control > len(head) // 200 else head


def marked_wide(head: bytes) -> bool:
    """Begins with the mark of UTF-16 and is not the text of one byte a character that the mark makes editors misread."""
    if head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return False
    body = head[2:2002]
    return len(body) < 4 or body.isascii() is False or 0 in body


def _mail(text: bytes) -> bool:
    """Header lines from the very start, at least three of those that mails have."""
    parts = re.split(rb"\r?\n\r?\n", text[: 16 << 10], maxsplit=1)
    header = parts[0]
    if len(parts) == 1 and len(text) > 16 << 10 and _HEADER.match(header):
        return True  # a header longer than any honest one
    first = re.match(rb"[\w-]{2,40}\s*:", header)
    if first and _PAGE_OF_OFFICE.search(header):
        return True
    return bool(first) and len({m.lower() for m in _HEADER.findall(header)}) >= 3


def _script(text: bytes, extension: str) -> str:
    best, most = "", 0
    for language, tokens in _MULTILINE:
        count = len({token.lower()[:12] for token in tokens.findall(text)})
        named = extension in language.extensions
        if count >= (_WITH_NAME if named else _ENOUGH) and count + 2 * named > most:
            best, most = language.kind, count + 2 * named
    return best
