"""Tokens of VBScript and VBA (MS-VBAL 3)."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>(?:[ \t\f\v\xa0\u3000\ufeff\x00]|_[ \t]*\r?\n)+)
    |(?P<comment>'[^\r\n]*|\brem(?![\w])[^\r\n]*)
    |(?P<text>"(?:[^"\r\n]|"")*(?:"|(?=[\r\n]|\Z)))
    |(?P<date>\#[\d/:. \-apmAPM]{3,30}\#)
    |(?P<directive>\#(?:if|else|elseif|end|const)\b[^\r\n]*)
    |(?P<number>&h[0-9a-f]+[&%^]?|&o?[0-7]+&?|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[%&!\#@^]?)
    |(?P<name>[^\W\d]\w*[$%!\#@]?(?!\w)|\[[^\]\r\n]*\])
    |(?P<line>(?:[\r\n]|:(?!=))+)
    |(?P<sign><>|><|<=|=<|>=|=>|:=|[-+*/\\^&=<>(),.!;?@$%{}\]\#`~|])""",
    re.IGNORECASE | re.VERBOSE,
)


class Token(NamedTuple):
    """A token, its text (a name in lower case, a text without quotes), and where it stands."""

    kind: str
    text: str
    start: int
    end: int


def tokens(source: str) -> list[Token]:
    """All tokens, "end" at last; what is none is a sign by itself, so that only its statement does not parse."""
    out: list[Token] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            out.append(Token("sign", source[at], at, at + 1))
            at += 1
            continue
        kind, text = str(match.lastgroup), match[0]
        if kind == "text":
            text = text[1:].removesuffix('"').replace('""', '"')
        elif kind == "name":
            text = text.strip("[]").rstrip("$%!#@").lower()
        elif kind == "line" and not set(text) <= {":"}:
            text = "\n"
        if kind not in ("space", "comment", "directive"):
            out.append(Token(kind, text, at, match.end()))
        at = match.end()
    return [*out, Token("end", "", at, at)]
