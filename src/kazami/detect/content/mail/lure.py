"""What the text of a mail does to be believed or to pass: passwords, links, and what hangs on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kazami.detect.content.identify import extension, kind, kinds
from kazami.detect.content.mail.domain import registrable
from kazami.detect.content.mail.message import Mail, Part
from kazami.model.content import Child, Feature

#: A password as people write it, English and Japanese, quoted or at the end of the line or sentence.
_PASSWORD = re.compile(
    r"(?:pass\s?(?:word|code|phrase|wd)?|pwd?|パスワード|ﾊﾟｽﾜｰﾄﾞ|解凍(?:pw|パス|キー)|暗号(?:キー|鍵))\s*(?:is|are|は|for[^:：\n]{1,40})?\s*[:：=＝\-は]?\s*"
    r"[「『\"'`“【\[<（(]?\s*((?![:=-])[!-~]{3,64}?)\s*(?=[」』\"'`”】\]>）)、。,]|\s|$|です|となり)",
    re.IGNORECASE,
)
_NO_PASSWORD = frozenset(
    [
        "is",
        "are",
        "the",
        "for",
        "was",
        "will",
        "has",
        "have",
        "and",
        "you",
        "your",
        "our",
        "this",
        "that",
        "with",
        "below",
        "above",
        "attached",
        "reset",
        "protected",
        "please",
        "can",
        "may",
        "must",
        "not",
        "sent",
        "separately",
        "protection",
        "change",
        "changed",
        "expired",
        "expires",
        "login",
        "account",
        "file",
        "policy",
        "manager",
        "required",
        "security",
        "here",
        "now",
    ]
)
_WINDOWS = frozenset(
    (
        "pe",
        "lnk",
        "hta",
        "msi",
        "vbscript",
        "encoded_script",
        "wsf",
        "batch",
        "powershell",
        "iso",
        "vhd",
        "vhdx",
        "chm",
        "url",
        "udf",
    )
)
_SCRIPTS = frozenset(
    ("js", "jse", "vbs", "vbe", "wsf", "hta", "ps1", "bat", "cmd", "scr", "pif", "com", "exe", "cpl")
)
_LINK = re.compile(
    r"<a\s[^>]{0,500}?href\s*=\s*[\"']?(https?://[^\"'\s>]{1,500})[^>]{0,300}>(.{1,500}?)</a",
    re.IGNORECASE | re.DOTALL,
)
_SAID = re.compile(r"^\s*(?:https?://)?((?:[\w-]+\.)+[a-z]{2,18})(?:[/:?#]\S*)?\s*$", re.IGNORECASE)
_HOST = re.compile(r"https?://(?:[^@/\s]*@)?([^/:?#\s\"'<>]+)", re.IGNORECASE)
_BARE = re.compile(r"https?://(?:\d{1,3}\.){3}\d{1,3}(?=[:/\s\"'<>]|$)")
_LINKS, _FOUND = 300, 10


def passwords(text: str) -> list[str]:
    """Words that the text names as a password, the likeliest first."""
    found = (match[1].strip(".,;:") for match in _PASSWORD.finditer(text[: 1 << 17]))
    good = (word for word in found if len(word) > 2 and word.lower() not in _NO_PASSWORD)
    ordered = sorted(dict.fromkeys(good), key=lambda word: word.isalpha())
    return ordered[:_FOUND]


def attachments(mail: Mail) -> list[Child]:
    """What hangs on a mail, and its pages, as children."""
    found = []
    for number, part in enumerate(mail.parts):
        if part.attached or part.type not in ("text/plain",):
            name = part.name or f"part{number}{_suffix(part)}"
            found.append(Child(name, part.data, relation="attachment" if part.attached else "stream"))
    return found


def _suffix(part: Part) -> str:
    return {"text/html": ".html", "message/rfc822": ".eml", "text/calendar": ".ics"}.get(part.type, "")


def features(mail: Mail, children: Sequence[Child]) -> Iterator[Feature]:
    """All that is said of text and attachments."""
    for word in passwords(mail.text):
        yield Feature("mail.password", word, "text")
    for child in children:
        if child.relation != "attachment":
            continue
        found = kind(child.data, child.name)
        if found in _WINDOWS or (
            extension(child.name) in _SCRIPTS and kinds()[found].family in ("script", "program", "page")
        ):
            yield Feature("mail.program", child.name, child.name)
        elif kinds()[found].family == "archive":
            yield Feature("mail.archive", child.name, child.name)
    yield from _links(mail)


def _links(mail: Mail) -> Iterator[Feature]:
    pages = [
        p.data.decode("utf-8", "replace") for p in mail.parts if p.type == "text/html" and not p.attached
    ]
    elsewhere = 0
    for page in pages:
        for number, match in enumerate(_LINK.finditer(page)):
            if number > _LINKS:
                break
            said, host = _SAID.match(re.sub(r"<[^>]{0,300}>", "", match[2])), _HOST.match(match[1])
            if said and host and registrable(said[1]) != registrable(host[1]) and elsewhere < _FOUND:
                elsewhere += 1
                yield Feature("mail.link_to_elsewhere", f"{said[1]} leads to {host[1]}", "text")
    if bare := _BARE.search("\n".join(pages) or mail.text):
        yield Feature("mail.link_to_address", bare[0], "text")
