"""Expressions of PowerShell (Windows PowerShell Language Specification 3.0, section 7)."""

from __future__ import annotations

import re
from typing import Any

from kazami.detect.content.script.powershell.scan import DASH, DOUBLE, SINGLE, Scanner
from kazami.detect.content.script.tree import Node, ParseError

_LEVELS: tuple[tuple[int, str], ...] = (
    (1, "and or xor"),
    (2, "band bor bxor shl shr"),
    (
        3,
        "eq ne gt ge lt le like notlike match notmatch replace split contains notcontains in notin join is isnot as",
    ),
    (6, "f"),
)
_WORDS = {word: level for level, words in _LEVELS for word in words.split()}
_CASED = {prefix + word: word for word, level in _WORDS.items() if level == 3 for prefix in "ic"}
_OPERATOR = re.compile(rf"[{DASH}]([A-Za-z]+)(?![A-Za-z])")
_ARITHMETIC = {"+": 4, "*": 5, "/": 5, "%": 5}
_RANGE, _LIST = 7, 8
_MEMBER = re.compile(r"(?:`?[A-Za-z_])(?:`?\w)*")
_UNARY = frozenset(("not", "bnot", "split", "isplit", "csplit", "join"))


class Expressions(Scanner):
    """Parses one expression at a time."""

    def expression(self, least: int = 1) -> Node:
        """An expression of operators that bind at least as strong as `least`."""
        left = self.unary()
        while (found := self._operator()) is not None:
            operator, level, end = found
            if level < least:
                break
            self.at = end
            self.lines_after()
            left = self._list(left) if level == _LIST else self._joined(left, operator, level)
        return left

    def lines_after(self) -> None:
        """What follows an operator may stand on the next line."""
        self.space()
        while self.peek() in ("\r", "\n") and self.peek():
            self.at += 1
            self.space()

    def _joined(self, left: Node, operator: str, level: int) -> Node:
        """Operators of one level are kept in a row, so that a thousand pieces are not a thousand deep."""
        right = self.expression(level + 1)
        if left.kind == "chain" and left.parts[0] == level:
            return Node(
                "chain", left.start, self.at, (level, left.parts[1], [*left.parts[2], (operator, right)])
            )
        return Node("chain", left.start, self.at, (level, left, [(operator, right)]))

    def _list(self, first: Node) -> Node:
        items = [first, self.unary()]
        while self._more() and self.peek() == ",":
            self.at += 1
            self.lines_after()
            items.append(self.unary())
        return Node("list", first.start, self.at, (items,))

    def _more(self) -> bool:
        self.space()
        return bool(self.peek())

    def _operator(self) -> tuple[str, int, int] | None:
        """The operator that follows: its word, its level and its end."""
        self.space()
        char = self.peek()
        if char == ",":
            return ",", _LIST, self.at + 1
        if self.text.startswith("..", self.at):
            return "..", _RANGE, self.at + 2
        if char in _ARITHMETIC and self.text[self.at + 1 : self.at + 2] != "=" and char:
            return char, _ARITHMETIC[char], self.at + 1
        if not char or char not in DASH:
            return None
        if match := _OPERATOR.match(self.text, self.at):
            word = match[1].lower()
            plain = _CASED.get(word, word)
            if plain in _WORDS:
                cased = word if word[0] == "c" and word in _CASED else plain
                return cased, _WORDS[plain], match.end()
            return None
        return None if self.peek(2)[1:] in ("=", "-") else ("-", 4, self.at + 1)

    def unary(self) -> Node:
        """An operator before its operand, a cast, or a value with what is asked of it."""
        self.space()
        start, char = self.at, self.peek()
        if char == "[":
            return self._typed()
        if char == ",":
            self.at += 1
            return Node("list", start, self.at, ([self.unary()],))
        if char == "!" or char in ("+", *DASH):
            return self._prefixed(start, char)
        return self.postfix(self.primary())

    def _prefixed(self, start: int, char: str) -> Node:
        match = _OPERATOR.match(self.text, start)
        if match and match[1].lower() in _UNARY:
            self.at = match.end()
            self.lines_after()
            operator = match[1].lower().lstrip("ic") or match[1].lower()
            return Node("unary", start, self.at, (operator, self.unary()))
        self.at += 2 if self.peek(2) in ("++", "--") else 1
        twice = self.at - start == 2
        inner = self.unary()
        sign = "not" if char == "!" else "+" if char == "+" else "-"
        return (
            Node("step", start, self.at, (sign, inner, True))
            if twice
            else Node("unary", start, self.at, (sign, inner))
        )

    def _typed(self) -> Node:
        """``[type]`` before a value, before ``::``, or by itself."""
        start = self.at
        name = self._type()
        here = Node("type", start, self.at, (name,))
        if self.text.startswith("::", self.at):
            return self.postfix(here)
        after = self.at
        self.space()
        follows = self.peek()
        if (
            follows
            and (follows in f"$@([{{{SINGLE}{DOUBLE}{DASH}!" or follows.isdigit())
            and not self._is_operator()
        ):
            inner = self.unary()
            return Node("cast", start, self.at, (name, inner))
        self.at = after
        return self.postfix(here)

    def _is_operator(self) -> bool:
        match = _OPERATOR.match(self.text, self.at)
        return bool(match and match[1].lower() not in _UNARY) or self.text.startswith("..", self.at)

    def _type(self) -> str:
        """The name between brackets, inner ones included."""
        depth, start = 0, self.at
        while self.at < len(self.text):
            char = self.text[self.at]
            depth += (char == "[") - (char == "]")
            self.at += 1
            if not depth:
                return (
                    self.text[start + 1 : self.at - 1]
                    .replace("`", "")
                    .strip()
                    .lower()
                    .removeprefix("system.")
                )
            if char in "\n;{}":
                break
        raise ParseError("a type without end", start)

    def primary(self) -> Node:
        """A value by itself. Raises ParseError where there is none."""
        char, start = self.peek(), self.at
        if not char:
            raise ParseError("an expression expected", start)
        if char in SINGLE + DOUBLE or (char == "@" and (self.peek(2) + " ")[1] in SINGLE + DOUBLE):
            return self.string()
        if self.peek(2) in ("$(", "@("):
            return self.subexpression()
        if self.peek(2) == "@{":
            return self._table()
        if char == "@" and (self.peek(2) + " ")[1].isalpha():
            self.at += 1
            match = re.compile(r"\w+").match(self.text, self.at)
            self.at = match.end() if match else self.at
            return Node("variable", start, self.at, (self.text[start + 1 : self.at].lower(),))
        if char == "(":
            return self._paren()
        if char == "{":
            return self.block()
        found = self.variable() if char == "$" else self.number()
        if found is None:
            raise ParseError("an expression expected", start)
        return found

    def _paren(self) -> Node:
        start = self.at
        self.at += 1
        self.lines()
        inner = self.statement()
        self.lines()
        self.expect(")")
        return Node("paren", start, self.at, (inner,))

    def statement(self) -> Node:
        """One statement."""
        raise ParseError("no statement here", self.at)

    def block(self) -> Node:
        """``{...}``."""
        start = self.at
        self.expect("{")
        body = self.statements("}")
        self.expect("}")
        return Node("block", start, self.at, (body,))

    def _table(self) -> Node:
        """``@{key = value; ...}``."""
        start, pairs = self.at, []
        self.at += 2
        self.lines()
        while self.peek() not in ("}", ""):
            key = self._key()
            self.space()
            self.expect("=")
            self.lines_after()
            pairs.append((key, self.statement()))
            self.lines()
        self.expect("}")
        return Node("table", start, self.at, (pairs,))

    def _key(self) -> Node:
        if match := re.compile(r"[\w.-]+").match(self.text, self.at):
            start, self.at = self.at, match.end()
            return Node("constant", start, self.at, (match[0],))
        return self.unary()

    def postfix(self, value: Node) -> Node:
        """What is asked of a value: members, calls, indices, one more."""
        while True:
            char, two = self.peek(), self.peek(2)
            if two == "::":
                self.at += 2
                value = self._member(value, True)
            elif (
                char == "."
                and two != ".."
                and (two[1:].isalpha() or (two[1:] and two[1:] in f"_$(`{{{SINGLE}{DOUBLE}"))
            ):
                self.at += 1
                value = self._member(value, False)
            elif char == "[":
                value = self._index(value)
            elif two in ("++", "--"):
                self.at += 2
                value = Node("step", value.start, self.at, (two[0], value, False))
            else:
                return value

    def _index(self, value: Node) -> Node:
        self.at += 1
        self.lines()
        index = self.expression()
        self.lines()
        self.expect("]")
        return Node("index", value.start, self.at, (value, index))

    def _member(self, value: Node, static: bool) -> Node:
        name: Any
        if match := _MEMBER.match(self.text, self.at):
            self.at = match.end()
            name = match[0].replace("`", "").lower()
        else:
            name = self.primary()
        if self.peek() == "{":
            return Node("call", value.start, self.at, (value, name, [self.block()], static))
        if self.peek() != "(":
            return Node("member", value.start, self.at, (value, name, static))
        self.at += 1
        arguments = self._arguments()
        return Node("call", value.start, self.at, (value, name, arguments, static))

    def _arguments(self) -> list[Node]:
        out: list[Node] = []
        self.lines()
        while self.peek() not in (")", ""):
            out.append(self._argument())
            self.lines()
            if self.peek() == ",":
                self.at += 1
                self.lines()
        self.expect(")")
        return out

    def _argument(self) -> Node:
        """An argument of a method: an expression in which a comma separates arguments."""
        left = self.unary()
        while (found := self._operator()) is not None and found[1] != _LIST:
            operator, level, self.at = found
            self.lines_after()
            right = self.unary()
            while (inner := self._operator()) is not None and level < inner[1] < _LIST:
                self.at = inner[2]
                self.lines_after()
                right = self._joined(right, inner[0], inner[1])
            left = Node("chain", left.start, self.at, (0, left, [(operator, right)]))
        return left
