"""Statements and commands of PowerShell (Windows PowerShell Language Specification 3.0, section 8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kazami.detect.content.script.powershell.expression import Expressions
from kazami.detect.content.script.powershell.scan import DASH, DOUBLE, SINGLE
from kazami.detect.content.script.tree import Node, ParseError

_KEYWORD = re.compile(
    r"(if|while|do|for|foreach|switch|function|filter|try|return|throw|break|continue|exit|param|begin|process|end|class|enum|using|trap|data)(?![\w-])",
    re.IGNORECASE,
)
_ASSIGN = re.compile(r"(?:[-+*/%]|\?\?)?=(?!=)")
_REDIRECT = re.compile(r"(?:[1-6*])?>>?(?:&[12])?|<")
_PARAMETER = re.compile(rf"[{DASH}]{{1,2}}(?:`?[A-Za-z?_])(?:`?[\w-])*:?")
_WORD = re.compile(rf"[^\s;|&(){{}},<>$`#{SINGLE}{DOUBLE}][^\s;|&(){{}},<>$`{SINGLE}{DOUBLE}]*")
_INSIDE = re.compile(rf"[^\s;|&(){{}},<>$`{SINGLE}{DOUBLE}]+")
_NAME = re.compile(r"[\w:-]+")
#: Statements that end with a brace, so that nothing need separate them from the next.
_WHOLE = frozenset(("param", "if", "while", "for", "foreach", "function", "switch", "try", "part", "do"))
_STOPS = frozenset(";|)}\r\n&")


class Statements(Expressions):
    """Parses a whole script. `faults` are places that did not parse and were left out, to the end of their line."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.faults: list[str] = []

    def script(self) -> Node:
        """All of it."""
        found: list[Node] = []
        while True:
            found += self.statements("").parts[0]
            if self.at >= len(self.text):
                return Node("statements", 0, len(self.text), (found,))
            self._skip(ParseError("unexpected", self.at))
            self.at += 1

    def statements(self, close: str) -> Node:
        """Statements up to `close`; what does not parse is left out."""
        start, found = self.at, []
        self.lines()
        while (
            self.at < len(self.text)
            and (not close or self.peek() != close)
            and not (not close and self.peek() in "})")
        ):
            try:
                found.append(self.statement())
                self.space()
                if (
                    found[-1].kind not in _WHOLE
                    and self.peek()
                    and self.peek() not in ";\r\n" + (close or "})")
                ):
                    raise ParseError("unexpected", self.at)
            except ParseError as error:
                self._skip(error)
            self.lines()
        return Node("statements", start, self.at, (found,))

    def _skip(self, error: ParseError) -> None:
        self.faults.append(str(error))
        if len(self.faults) > 50:
            raise error
        end = re.compile(r"[;\r\n]|\Z").search(self.text, max(self.at, error.at))
        self.at = max(end.end() if end else len(self.text), self.at + 1)

    def statement(self) -> Node:
        """One statement, up to what separates it from the next."""
        match = _KEYWORD.match(self.text, self.at)
        if match is None:
            return self._pipeline()
        word, start = match[1].lower(), self.at
        self.at = match.end()
        self.space()
        if word in ("begin", "process", "end") and self.peek() != "{":
            self.at = start
            return self._pipeline()
        return _PARSERS[word](self, word, start)

    def _body(self) -> Node:
        self.lines()
        return self.block()

    def _condition(self) -> Node:
        self.lines()
        self.expect("(")
        self.lines()
        found = self.statement()
        self.lines()
        self.expect(")")
        return found

    def _if(self, word: str, start: int) -> Node:
        branches: list[tuple[Node | None, Node]] = [(self._condition(), self._body())]
        while match := re.compile(r"\s*(elseif|else)(?![\w-])", re.IGNORECASE).match(self.text, self.at):
            self.at = match.end()
            condition = self._condition() if match[1].lower() == "elseif" else None
            branches.append((condition, self._body()))
        return Node("if", start, self.at, (branches,))

    def _while(self, word: str, start: int) -> Node:
        return Node("while", start, self.at, (self._condition(), self._body(), None))

    def _do(self, word: str, start: int) -> Node:
        body = self._body()
        self.lines()
        match = re.compile(r"(while|until)", re.IGNORECASE).match(self.text, self.at)
        if match is None:
            raise ParseError("while or until expected", self.at)
        self.at = match.end()
        return Node("do", start, self.at, (body, self._condition(), match[1].lower() == "until"))

    def _for(self, word: str, start: int) -> Node:
        self.expect("(")
        parts: list[Node | None] = []
        for close in (";", ";", ")"):
            self.space()
            while self.peek() in ("\r", "\n") and self.peek():
                self.at += 1
                self.space()
            parts.append(self.statement() if self.peek() not in (close, ")") else None)
            self.space()
            if self.peek() == ")" and close == ";":
                parts += [None] * (3 - len(parts))
                break
            if close == ";":
                self.expect(";")
        self.lines()
        self.expect(")")
        return Node("for", start, self.at, (*parts[:3], self._body()))

    def _foreach(self, word: str, start: int) -> Node:
        if self.peek() != "(":  # the command of this name
            self.at = start
            return self._pipeline()
        self.at += 1
        self.lines()
        variable = self.variable()
        self.lines()
        self._word("in")
        self.lines()
        items = self.statement()
        self.lines()
        self.expect(")")
        return Node("foreach", start, self.at, (variable.parts[0] if variable else "_", items, self._body()))

    def _word(self, word: str) -> None:
        if self.peek(len(word)).lower() != word:
            raise ParseError(f"{word} expected", self.at)
        self.at += len(word)

    def _switch(self, word: str, start: int) -> Node:
        flags = []
        while match := _PARAMETER.match(self.text, self.at):
            flags.append(match[0][1:].lower())
            self.at = match.end()
            self.space()
        subject = self._condition()
        self.lines()
        self.expect("{")
        self.lines()
        cases: list[tuple[Node, Node]] = []
        while self.peek() not in ("}", ""):
            label = self._value()
            cases.append((label, self._body()))
            self.lines()
        self.expect("}")
        return Node("switch", start, self.at, (subject, cases, flags))

    def _function(self, word: str, start: int) -> Node:
        match = _NAME.match(self.text, self.at)
        if match is None:
            raise ParseError("a name expected", self.at)
        self.at = match.end()
        self.space()
        names = self._parameters() if self.peek() == "(" else []
        body = self._body()
        return Node("function", start, self.at, (match[0].lower().split(":")[-1], names, body))

    def _param(self, word: str, start: int) -> Node:
        return Node("param", start, self.at, (self._parameters(),))

    def _parameters(self) -> list[tuple[str, Node | None, str]]:
        """Names, values and types of parameters."""
        out: list[tuple[str, Node | None, str]] = []
        self.expect("(")
        self.lines()
        kind = ""
        while self.peek() not in (")", ""):
            if self.peek() == "[":
                kind = self._type()
            elif found := self.variable():
                self.lines()
                default = None
                if self.peek() == "=":
                    self.at += 1
                    self.lines()
                    default = self._argument()
                out.append((found.parts[0], default, kind))
                kind = ""
            elif self.peek() == ",":
                self.at += 1
            else:
                raise ParseError("a parameter expected", self.at)
            self.lines()
        self.expect(")")
        return out

    def _try(self, word: str, start: int) -> Node:
        body, handlers, last = self._body(), [], None
        while match := re.compile(r"\s*(catch|finally)(?![\w-])", re.IGNORECASE).match(self.text, self.at):
            self.at = match.end()
            self.lines()
            while self.peek() in ("[", ",") and self.peek():
                if self.peek() == ",":
                    self.at += 1
                else:
                    self._type()
                self.lines()
            if match[1].lower() == "catch":
                handlers.append(self._body())
            else:
                last = self._body()
        return Node("try", start, self.at, (body, handlers, last))

    def _leave(self, word: str, start: int) -> Node:
        value = None
        if self.peek() and self.peek() not in _STOPS:
            value = self._pipeline()
        return Node("leave", start, self.at, (word, value))

    def _part(self, word: str, start: int) -> Node:
        return Node("part", start, self.at, (self._body(),))

    def _left_out(self, word: str, start: int) -> Node:
        """A class, an enumeration, an import: parsed as far as its braces and left out."""
        end = re.compile(r"[{;\r\n]|\Z").search(self.text, self.at)
        self.at = end.start() if end else len(self.text)
        depth = 0
        while self.at < len(self.text) and (depth or self.peek() == "{"):
            depth += (self.peek() == "{") - (self.peek() == "}")
            self.at += 1
            if not depth:
                break
        return Node("statements", start, self.at, ([],))

    def _pipeline(self) -> Node:
        """Commands and expressions with ``|`` between them, or an assignment."""
        start = self.at
        first = self._element()
        if first.kind != "command":
            self.space()
            if match := _ASSIGN.match(self.text, self.at):
                self.at = match.end()
                self.lines_after()
                return Node("assign", start, self.at, (match[0], first, self.statement()))
        steps = [first]
        while self._next("|"):
            steps.append(self._element())
        found = steps[0] if len(steps) == 1 else Node("pipeline", start, self.at, (steps,))
        while self.peek(2) in ("&&", "||"):
            self.at += 2
            self.lines_after()
            found = Node("statements", start, self.at, ([found, self._pipeline()],))
        if self.peek() == "&":
            self.at += 1
        return found

    def _next(self, token: str) -> bool:
        self.space()
        while match := _REDIRECT.match(self.text, self.at):
            self.at = match.end()
            self.space()
            if not match[0].endswith(("&1", "&2")) and self.peek() not in (
                "",
                "\r",
                "\n",
                ";",
                "|",
                ")",
                "}",
            ):
                self._value()
            self.space()
        if self.peek() != token or self.peek(2) == token * 2:
            return False
        self.at += 1
        self.lines_after()
        return True

    def _element(self) -> Node:
        self.space()
        char = self.peek()
        if not char:
            raise ParseError("a command expected", self.at)
        if (
            char in "&."
            and (self.peek(2) + " ")[1] in f" \t$('\"{{{SINGLE}{DOUBLE}\\/."
            and not self.peek(2)[1:].isdigit()
        ):
            return self._command()
        if (
            char in f"$@([{{+!,{SINGLE}{DOUBLE}"
            or char.isdigit()
            or (char == "." and self.peek(2)[1:].isdigit())
        ):
            return self._expression_or_word()
        if char in DASH:
            return self.expression()
        return self._command()

    def _expression_or_word(self) -> Node:
        start = self.at
        if self.peek().isdigit() and self.number() is None:  # a command such as 7z
            return self._command()
        self.at = start
        return self.expression()

    def _command(self) -> Node:
        start, how = self.at, ""
        if self.peek() in ("&", "."):
            how = self.peek()
            self.at += 1
            self.space()
        name = self._value(False)
        arguments = []
        while True:
            self.space()
            char = self.peek()
            if not char or char in _STOPS:
                break
            if match := _REDIRECT.match(self.text, self.at):
                self.at = match.end()
                self.space()
                continue
            if char == ",":
                self.at += 1
                continue
            arguments.append(self._given())
        return Node("command", start, self.at, (how, name, arguments))

    def _given(self) -> Node:
        """A parameter by name, or a value or several with commas."""
        start = self.at
        if match := _PARAMETER.match(self.text, self.at):
            self.at = match.end()
            word = match[0].replace("`", "").lstrip(DASH).lower()
            value = self._given() if word.endswith(":") else None
            return Node("parameter", start, self.at, (word.rstrip(":"), value))
        first = self._value()
        items = [first]
        while True:
            before = self.at
            self.space()
            if self.peek() != ",":
                self.at = before
                break
            self.at += 1
            self.lines_after()
            items.append(self._value())
        return first if len(items) == 1 else Node("list", start, self.at, (items,))

    def _value(self, members: bool = True) -> Node:
        """A value as commands take them: quotes, variables, parentheses, or words."""
        start = self.at
        pieces: list[Any] = []
        while char := self.peek():
            if char == "$" or self.peek(2) in ("@(", "@{", "@'", '@"') or char in f"({{{SINGLE}{DOUBLE}":
                if char in "({" and pieces:
                    break
                inner = self.primary() if char != "$" or self._is_variable() else self._dollar()
                pieces.append(inner if not members and char not in "$(" else self.postfix(inner))
            elif char == "`":
                pieces.append(self.escape())
            elif match := (_INSIDE if pieces else _WORD).match(self.text, self.at):
                pieces.append(match[0])
                self.at = match.end()
            else:
                break
        if not pieces:
            raise ParseError("a word expected", self.at)
        if len(pieces) == 1 and isinstance(pieces[0], Node):
            return pieces[0]
        if all(isinstance(piece, str) for piece in pieces):
            return Node("word", start, self.at, ("".join(pieces),))
        return Node("expand", start, self.at, (pieces,))

    def _is_variable(self) -> bool:
        following = (self.peek(2) + " ")[1]
        return following.isalnum() or following in "_({^?$"

    def _dollar(self) -> Node:
        self.at += 1
        return Node("constant", self.at - 1, self.at, ("$",))


_PARSERS: dict[str, Callable[[Any, str, int], Node]] = {
    "if": Statements._if,
    "while": Statements._while,
    "do": Statements._do,
    "for": Statements._for,
    "foreach": Statements._foreach,
    "switch": Statements._switch,
    "function": Statements._function,
    "filter": Statements._function,
    "param": Statements._param,
    "try": Statements._try,
    **dict.fromkeys(("return", "throw", "break", "continue", "exit"), Statements._leave),
    **dict.fromkeys(("begin", "process", "end", "trap"), Statements._part),
    **dict.fromkeys(("class", "enum", "using", "data"), Statements._left_out),
}


def parse(text: str) -> tuple[Node, list[str]]:
    """The tree of a script, and the faults that were passed over. Raises ParseError, RecursionError."""
    parser = Statements(text)
    return parser.script(), parser.faults
