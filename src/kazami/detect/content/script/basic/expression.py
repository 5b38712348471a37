"""Expressions of VBScript and VBA (MS-VBAL 5.6)."""

from __future__ import annotations

from kazami.detect.content.script.basic.token import Token, tokens
from kazami.detect.content.script.tree import Node, ParseError

_LEVELS = {
    "imp": 1, "eqv": 2, "xor": 3, "or": 4, "and": 5, "=": 7, "<>": 7, "><": 7, "<": 7, ">": 7, "<=": 7, "=<": 7, ">=": 7, "=>": 7, "is": 7, "like": 7,
    "&": 8, "+": 9, "-": 9, "mod": 10, "\\": 11, "*": 12, "/": 12, "^": 14,
}  # fmt: skip
_NOT, _MINUS = 6, 13
_ENDS = frozenset(("then", "to", "step", "else", "goto", "gosub"))


class Expressions:
    """A place among tokens; parses one expression at a time."""

    def __init__(self, source: str) -> None:
        self.source, self.tokens, self.at = source, tokens(source), 0

    @property
    def now(self) -> Token:
        """The token here."""
        return self.tokens[self.at]

    def take(self) -> Token:
        """The token here, and on to the next."""
        token = self.tokens[self.at]
        self.at += token.kind != "end"
        return token

    def sees(self, *texts: str) -> bool:
        """Whether one of these words or signs stands here."""
        token = self.tokens[self.at]
        return token.kind in ("name", "sign") and token.text in texts

    def skip(self, *texts: str) -> bool:
        """Whether one of these stood here; it is behind us then."""
        found = self.sees(*texts)
        self.at += found
        return found

    def expect(self, text: str) -> None:
        """Skip it. Raises ParseError where it is not there."""
        if not self.skip(text):
            raise ParseError(f"{text!r} expected", self.now.start)

    def expression(self, least: int = 1) -> Node:
        """An expression of operators that bind at least as strong as `least`."""
        left = self._unary()
        while (
            self.now.kind in ("name", "sign") and (level := _LEVELS.get(self.now.text, 0)) >= least and level
        ):
            operator = self.take().text
            right = self.expression(level + 1)
            row = [*left.parts[2]] if left.kind == "chain" and left.parts[0] == level else []
            first = left.parts[1] if row else left
            left = Node("chain", left.start, right.end, (level, first, [*row, (operator, right)]))
        return left

    def _unary(self) -> Node:
        start = self.now.start
        if self.skip("not"):
            inner = self.expression(_NOT)
            return Node("not", start, inner.end, (inner,))
        if self.sees("-", "+"):
            sign = self.take().text
            inner = self.expression(_MINUS)
            return Node("minus", start, inner.end, (inner,)) if sign == "-" else inner
        if self.skip("new"):
            inner = self.postfix(self._primary())
            return Node("new", start, inner.end, (inner,))
        if self.skip("addressof", "byval", "typeof"):
            return self._unary()
        return self.postfix(self._primary())

    def _primary(self) -> Node:
        token = self.take()
        if token.kind == "text":
            return Node("constant", token.start, token.end, (token.text,))
        if token.kind == "number":
            return Node("constant", token.start, token.end, (number(token.text),))
        if token.kind == "date":
            return Node("constant", token.start, token.end, (token.text,))
        if token.kind == "name" and token.text not in _ENDS:
            return Node("name", token.start, token.end, (token.text,))
        if token.text == "(" and token.kind == "sign":
            inner = self.expression()
            self.expect(")")
            return Node("paren", token.start, self.tokens[self.at - 1].end, (inner,))
        if token.text in (".", "!") and token.kind == "sign":
            self.at -= 1
            return Node("with", token.start, token.start)
        raise ParseError("an expression expected", token.start)

    def postfix(self, value: Node) -> Node:
        """Members, calls and indices."""
        while True:
            before = self.tokens[self.at - 1]
            if self.sees(".", "!") and (self.now.start == before.end or value.kind == "with"):
                self.take()
                name = self.take()
                if name.kind != "name":
                    raise ParseError("a name expected", name.start)
                value = Node("member", value.start, name.end, (value, name.text))
            elif self.sees("(") and not (value.kind == "with" and before.text not in (".", "!")):
                arguments = self.arguments()
                value = Node("call", value.start, self.tokens[self.at - 1].end, (value, arguments))
            else:
                return value

    def arguments(self) -> list[Node | None]:
        """In parentheses; None for one that is left out."""
        self.expect("(")
        out = self.listed(")")
        self.expect(")")
        return out

    def listed(self, *close: str) -> list[Node | None]:
        """With commas, up to one of `close` or the end of the statement."""
        out: list[Node | None] = []
        while not self.sees(*close) and self.now.kind not in ("line", "end") and not self.sees("else"):
            if self.sees(",", ";"):
                out.append(None)
            else:
                if self.now.kind == "name" and self.tokens[self.at + 1].text == ":=":
                    self.at += 2  # what is named is taken in the order in which it stands
                out.append(self.expression())
            if not self.skip(",", ";"):
                break
        return out


def number(text: str) -> int | float:
    """The value of a number as it is written."""
    plain = text.lower().rstrip("%&!#@^") or "0"
    if plain.startswith("&h"):
        value = int(plain[2:], 16)
        if value > 0x7FFFFFFF and len(plain) <= 10:
            return value - (1 << 32)
        return (
            value - 65536
            if 0x7FFF < value <= 0xFFFF and len(plain) == 6 and not text.endswith("&")
            else value
        )
    if plain.startswith("&"):
        return int(plain.lstrip("&o") or "0", 8)
    return int(plain) if plain.isdigit() else float(plain)
