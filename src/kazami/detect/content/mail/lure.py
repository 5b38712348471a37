"""What the text of a mail does to be believed or to pass: passwords, links, and what hangs on it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from kazami.detect.content.identify import extension, kind, kinds
from kazami.detect.content.mail.domain import registrable
from kazami.detect.content.mail.message import Mail, Part
from kazami.model.content import Child, Feature

#: How people call it; texts are brought into one width before.
_WORD = (
    r"(?:pass\s?(?:word|code|phrase|wd)|passwort|mot de passe|contrase\u00f1a|\bp(?:ass|wd?)\b|パス(?:ワード|コード|フレーズ)?"
    r"|解凍用?(?:pw|キー)|開封用?(?:pw|キー)|暗証番号|暗号(?:キー|鍵)|密码|비밀번호)"
)
#: A password as people write it, English and Japanese, quoted or at the end of the line or sentence.
_PASSWORD = re.compile(
    _WORD
    + r"(?:[ \t]*(?:to|for|of)\s[^:=\n]{1,60}?(?=\bis\b|:|=))?(?:[ \t]|(?:is|was)\b|[はがも:=]|→|⇒|-(?=[ >])|>)*"
    r"(?:[「『\"'`“【\[<(]\s*([^」』\"'`”】\]>)\n]{3,64}?)\s*[」』\"'`”】\]>)]|((?![:=-])[!-~]{3,64}?)(?=[」』\"'`”】、。,]|\)?(?:\s|$)|です|となり|になり))",
    re.IGNORECASE,
)
#: One that stands on a line of its own below.
_BELOW = re.compile(
    _WORD
    + r"[^\n]{0,60}(?:(?:下記|以下|次の|below|follow)[^\n]{0,40}|:[ \t]*\r?)\n\s*[「『\"“【\[<(]?([!-~]{3,64}?)[」』\"”】\]>)]?[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)
_SPACES = str.maketrans("_-", "  ")
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


def spoken(mail: Mail) -> str:
    """Where a mail may name a password: its subject, its text, the names of what hangs on it."""
    names = (part.name.rpartition(".")[0].translate(_SPACES) for part in mail.parts if part.name)
    return "\n".join((mail.first("subject"), mail.text, *names))


def passwords(text: str) -> list[str]:
    """Words that the text names as a password, the likeliest first."""
    plain = unicodedata.normalize("NFKC", text[: 1 << 17])
    told = [match[1] or match[2] for match in _PASSWORD.finditer(plain)] + _BELOW.findall(plain)
    found = (word.strip(" .,;:") for word in told)
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
    for word in passwords(spoken(mail)):
        yield Feature("mail.password", word, "text")
    yield from hanging(children)
    yield from _links(mail)


def hanging(children: Sequence[Child]) -> Iterator[Feature]:
    """What is said of attachments."""
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
