"""Spaces, strings, names and numbers of PowerShell (Windows PowerShell Language Specification 3.0, section 2)."""

from __future__ import annotations

import re
from typing import Any

from kazami.detect.content.script.tree import Node, ParseError

SINGLE, DOUBLE = "'\u2018\u2019\u201a\u201b", '"\u201c\u201d\u201e'
DASH = "-\u2013\u2014\u2015"
_SPACE = re.compile(r"(?:[ \t\f\v\xa0\u3000\ufeff]|`\r?\n|<#.*?#>)+", re.DOTALL)
_LINES = re.compile(r"(?:[ \t\f\v\xa0\u3000\ufeff\r\n;]|`\r?\n|<#.*?#>|#[^\r\n]*)+", re.DOTALL)
_COMMENT = re.compile(r"#[^\r\n]*")
_VARIABLE = re.compile(r"\$(?:\{((?:[^}`]|`.)*)\}|((?:\w+:(?!:))?\w+|[$^?]))", re.DOTALL)
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F]+[lL]?|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?[lLdD]?(?:[kKmMgGtTpP][bB])?(?![\w])"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_HERE = re.compile(rf"@([{SINGLE}{DOUBLE}])[ \t]*\r?\n(.*?)\r?\n[{SINGLE}{DOUBLE}]@", re.DOTALL)
_SIZES = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
_PLAIN = re.compile(rf"[^`${DOUBLE}]+")


class Scanner:
    """A place in a text. What is between expressions is for `Statements`, which is one of these."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def statements(self, close: str) -> Node:
        """Statements up to `close`."""
        raise ParseError("no statements here", self.at)

    def peek(self, size: int = 1) -> str:
        """The next characters."""
        return self.text[self.at : self.at + size]

    def space(self) -> None:
        """Skip what separates on one line."""
        if match := _SPACE.match(self.text, self.at):
            self.at = match.end()
        if self.peek() == "#" and (match := _COMMENT.match(self.text, self.at)):
            self.at = match.end()

    def lines(self) -> None:
        """Skip what separates, ends of lines too."""
        if match := _LINES.match(self.text, self.at):
            self.at = match.end()

    def expect(self, token: str) -> None:
        """Skip `token`. Raises ParseError where it is not there."""
        if not self.text.startswith(token, self.at):
            raise ParseError(f"{token!r} expected", self.at)
        self.at += len(token)

    def number(self) -> Node | None:
        """A number."""
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            return None
        start, self.at = self.at, match.end()
        return Node("constant", start, self.at, (number(match[0]),))

    def variable(self) -> Node | None:
        """``$name``, ``${any name}``, ``@name``."""
        match = _VARIABLE.match(self.text, self.at)
        if match is None:
            return None
        start, self.at = self.at, match.end()
        name = match[2] or re.sub(r"`(.)", r"\1", match[1] or "")
        return Node("variable", start, self.at, (name.lower(),))

    def string(self) -> Node:
        """A text in quotes, or between ``@"`` and ``"@``."""
        start, quote = self.at, self.peek()
        if quote == "@":
            return self._here()
        self.at += 1
        if quote in SINGLE:
            return Node("constant", start, *self._single())
        parts = self._double()
        if all(isinstance(part, str) for part in parts):
            return Node("constant", start, self.at, ("".join(parts),))
        return Node("expand", start, self.at, (parts,))

    def _here(self) -> Node:
        match = _HERE.match(self.text, self.at)
        if match is None:
            raise ParseError("a text without end", self.at)
        start, self.at = self.at, match.end()
        if match[1] in SINGLE:
            return Node("constant", start, self.at, (match[2],))
        return Node("expand", start, self.at, (expandable(match[2], type(self)),))

    def _single(self) -> tuple[int, tuple[str]]:
        out: list[str] = []
        begin = self.at
        while self.at < len(self.text):
            if self.text[self.at] in SINGLE:
                out.append(self.text[begin : self.at])
                self.at += 1
                if self.peek() == "" or self.peek() not in SINGLE:
                    return self.at, ("".join(out),)
                begin = self.at
            self.at += 1
        raise ParseError("a text without end", begin)

    def _double(self, ends: bool = True) -> list[Any]:
        """Pieces of a text that expands, up to its quote, or all of it."""
        out: list[Any] = []
        while self.at < len(self.text):
            if match := _PLAIN.match(self.text, self.at):
                out.append(match[0])
                self.at = match.end()
                continue
            char = self.text[self.at]
            if char == "`":
                out.append(self.escape())
            elif char == "$":
                out.append(self._inner() or "$")
            elif ends and (self.peek(2) + " ")[1] in DOUBLE:
                out.append(char)
                self.at += 2
            elif ends:
                self.at += 1
                return out
            else:
                out.append(char)
                self.at += 1
        if ends:
            raise ParseError("a text without end", self.at)
        return out

    def escape(self) -> str:
        """What a backtick and the next character mean."""
        char = self.peek(2)[1:]
        self.at += 2
        if char == "\r" and self.peek() == "\n":
            self.at += 1
        if char == "u" and (match := re.compile(r"\{([0-9a-fA-F]{1,6})\}").match(self.text, self.at)):
            self.at = match.end()
            return chr(min(int(match[1], 16), 0x10FFFF))
        return "" if char in "\r\n" else _ESCAPES.get(char, char)

    def _inner(self) -> Node | None:
        """What a dollar begins within a text; None, one character on, where that is nothing."""
        if self.peek(2) == "$(":
            return self.subexpression()
        found = self.variable()
        if found is None:
            self.at += 1
        return found

    def subexpression(self) -> Node:
        """``$(...)`` or ``@(...)``."""
        start, kind = self.at, "array" if self.peek() == "@" else "sub"
        self.at += 2
        body = self.statements(")")
        self.expect(")")
        return Node(kind, start, self.at, (body,))


def expandable(text: str, parser: type[Scanner]) -> list[Any]:
    """Pieces of a text that expands without being in quotes."""
    return parser(text)._double(ends=False)


def number(text: str) -> int | float:
    """The value of a number as it is written. Raises ValueError."""
    text = text.lower()
    if text.startswith("0x"):
        value = int(text.rstrip("l"), 16)
        return value - (1 << 32) if 0x7FFFFFFF < value <= 0xFFFFFFFF and not text.endswith("l") else value
    times = _SIZES.get(text[-2:], 1)
    digits = (text[:-2] if times > 1 else text).rstrip("ld")
    return int(digits) * times if digits.isdigit() else float(digits) * times
