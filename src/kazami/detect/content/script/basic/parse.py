"""Statements of VBScript and VBA (MS-VBAL 5.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kazami.detect.content.script.basic.expression import Expressions
from kazami.detect.content.script.tree import Node, ParseError

_FAULTS = 50
_MODIFIERS = ("public", "private", "friend", "static", "default")


class Parser(Expressions):
    """Parses a whole module. `faults` are places that did not parse and were left out, to the end of their line."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.faults: list[str] = []

    def module(self) -> Node:
        """All of it."""
        found: list[Node] = []
        while self.now.kind != "end":
            found += self.block(())
            if self.now.kind != "end":  # an end of something that never began
                self._left_out(ParseError("unexpected", self.now.start))
        return Node("block", 0, self.now.end, (found,))

    def block(self, ends: tuple[str, ...]) -> list[Node]:
        """Statements, up to one of the words that end it."""
        out: list[Node] = []
        while True:
            while self.now.kind == "line":
                self.at += 1
            if self.now.kind == "end" or (self.now.kind == "name" and self._ends(ends)):
                return out
            before = self.at
            try:
                out.append(self.statement())
                if self.now.kind not in ("line", "end") and not self.sees("else"):
                    raise ParseError("unexpected", self.now.start)
            except ParseError as error:
                self._left_out(error)
            if self.at == before:
                self.at += 1

    def _ends(self, ends: tuple[str, ...]) -> bool:
        word = self.now.text
        if word == "end":
            return self.tokens[self.at + 1].text in (
                "sub",
                "function",
                "property",
                "if",
                "select",
                "with",
                "class",
                "type",
                "enum",
            )
        return word in ends

    def _left_out(self, error: ParseError) -> None:
        self.faults.append(str(error))
        if len(self.faults) > _FAULTS:
            raise error
        while not (self.now.kind == "line" and self.now.text == "\n") and self.now.kind != "end":
            self.at += 1

    def statement(self) -> Node:
        """One statement."""
        token = self.now
        following = self.tokens[self.at + 1] if token.kind != "end" else token
        if token.kind == "number" or (
            token.kind == "name"
            and following.kind == "line"
            and self.source[following.start] == ":"
            and self._begins_line()
        ):
            self.at += 1
            return Node("label", token.start, token.end, (token.text,))
        if token.kind == "name":
            while self.sees(*_MODIFIERS) and self.tokens[self.at + 1].kind == "name":
                self.at += 1
            word = self.now.text
            parser = _PARSERS.get(word)
            following = self.tokens[self.at + 1]
            if parser is not None and not (
                following.kind == "sign" and following.text in ("=", ".", "(") and word not in _WITH_SIGN
            ):
                self.at += 1
                return parser(self, token.start)
            if self.at and self.tokens[self.at - 1].text in _MODIFIERS:
                return self._dim(token.start)
        return self._plain(token.start)

    def _begins_line(self) -> bool:
        before = self.tokens[self.at - 1] if self.at else None
        return before is None or (before.kind, before.text) == ("line", "\n")

    def _plain(self, start: int) -> Node:
        """An assignment or a call without ``Call``."""
        target = self.postfix(self._primary())
        if self.skip("="):
            value = self.expression()
            return Node("assign", start, value.end, (target, value))
        if (
            self.sees("-", "+", "&")
            or self.now.kind in ("text", "number", "name", "date")
            or self.sees("(", ".", ",")
        ):
            if target.kind == "call" and not self.sees(","):  # f (a) & b
                self.at = self._open_of(target)
                target = target.parts[0]
            elif target.kind == "call":  # f (a), b
                first = target.parts[1][0] if target.parts[1] else None
                self.at += 1
                rest = self.listed()
                return Node("invoke", start, self.tokens[self.at - 1].end, (target.parts[0], [first, *rest]))
            arguments = self.listed()
            return Node("invoke", start, self.tokens[self.at - 1].end, (target, arguments))
        if target.kind == "call":
            return Node("invoke", start, target.end, (target.parts[0], target.parts[1]))
        return Node("invoke", start, target.end, (target, []))

    def _open_of(self, call: Node) -> int:
        """Where the parenthesis of a call stands."""
        at = self.at
        while self.tokens[at - 1].start >= call.parts[0].end:
            at -= 1
        return at

    def _set(self, start: int) -> Node:
        target = self.postfix(self._primary())
        self.expect("=")
        value = self.expression()
        return Node("assign", start, value.end, (target, value))

    def _call(self, start: int) -> Node:
        target = self.postfix(self._primary())
        if target.kind == "call":
            return Node("invoke", start, target.end, (target.parts[0], target.parts[1]))
        return Node("invoke", start, target.end, (target, []))

    def _dim(self, start: int) -> Node:
        """Names with sizes; types are left out."""
        keep = self.skip("preserve")
        names: list[tuple[str, list[Node | None], Node | None]] = []
        self.skip("withevents")
        while self.now.kind == "name":
            name = self.take().text
            sizes: list[Node | None] = []
            if self.sees("("):
                self.at += 1
                while not self.skip(")"):
                    size = self.expression()
                    sizes.append(self.expression() if self.skip("to") else size)
                    if not self.skip(",") and not self.sees(")"):
                        raise ParseError("a size expected", self.now.start)
            names.append((name, sizes, self._type()))
            if not self.skip(","):
                break
        return Node("dim", start, self.now.start, (names, keep))

    def _type(self) -> Node | None:
        """A type; what is made anew, where it says so."""
        if not self.skip("as"):
            return None
        start, fresh = self.now.start, self.skip("new")
        name = self.take().text
        while self.skip("."):
            name = self.take().text
        if self.skip("*"):
            self.expression()
        return Node("new", start, start, (Node("name", start, start, (name,)),)) if fresh else None

    def _const(self, start: int) -> Node:
        pairs: list[tuple[str, Node]] = []
        while self.now.kind == "name":
            name = self.take().text
            self._type()
            self.expect("=")
            pairs.append((name, self.expression()))
            if not self.skip(","):
                break
        return Node("const", start, self.now.start, (pairs,))

    def _if(self, start: int) -> Node:
        condition = self.expression()
        self.expect("then")
        if self.now.kind == "line" and self.now.text == "\n":
            return self._if_block(start, condition)
        body = self._inline()
        other = self._inline() if self.skip("else") else []
        if self.sees("end") and self.tokens[self.at + 1].text == "if":
            self.at += 2
        return Node("if", start, self.now.start, ([(condition, body)], other))

    def _inline(self) -> list[Node]:
        """Statements on one line."""
        out: list[Node] = []
        while (
            self.now.kind != "end"
            and not (self.now.kind == "line" and self.now.text == "\n")
            and not self.sees("else")
        ):
            if self.now.kind == "line":
                self.at += 1
                continue
            if self.sees("end") and self.tokens[self.at + 1].text == "if":
                break
            out.append(self.statement())
            if self.now.kind not in ("line", "end") and not self.sees("else", "end"):
                raise ParseError("unexpected", self.now.start)
        return out

    def _if_block(self, start: int, condition: Node) -> Node:
        branches = [(condition, self.block(("else", "elseif")))]
        other: list[Node] = []
        while self.skip("elseif"):
            condition = self.expression()
            self.skip("then")
            branches.append((condition, self.block(("else", "elseif"))))
        if self.skip("else"):
            other = self.block(())
        self._end("if")
        return Node("if", start, self.now.start, (branches, other))

    def _end(self, word: str) -> None:
        if self.now.kind != "end":
            self.expect("end")
            self.expect(word)

    def _for(self, start: int) -> Node:
        if self.skip("each"):
            name = self.take().text
            self.expect("in")
            items = self.expression()
            body = self.block(("next",))
            self._next()
            return Node("each", start, self.now.start, (name, items, body))
        target = self.postfix(self._primary())
        self.expect("=")
        first = self.expression()
        self.expect("to")
        last = self.expression()
        step = self.expression() if self.skip("step") else None
        body = self.block(("next",))
        self._next()
        return Node("for", start, self.now.start, (target, first, last, step, body))

    def _next(self) -> None:
        if self.now.kind != "end":
            self.expect("next")
            while self.now.kind == "name" and not self.sees("else"):
                self.at += 1
                if not self.skip(","):
                    break

    def _do(self, start: int) -> Node:
        before = self.take().text if self.sees("while", "until") else ""
        condition = self.expression() if before else None
        body = self.block(("loop",))
        after = ""
        if self.now.kind != "end":
            self.expect("loop")
        if not before and self.sees("while", "until"):
            after = self.take().text
            condition = self.expression()
        return Node("do", start, self.now.start, (condition, before, after, body))

    def _while(self, start: int) -> Node:
        condition = self.expression()
        body = self.block(("wend",))
        self.skip("wend")
        return Node("do", start, self.now.start, (condition, "while", "", body))

    def _select(self, start: int) -> Node:
        self.expect("case")
        subject = self.expression()
        while self.now.kind == "line":
            self.at += 1
        cases: list[tuple[list[Node] | None, list[Node]]] = []
        while self.skip("case"):
            labels = None if self.skip("else") else self._labels()
            cases.append((labels, self.block(("case",))))
        self._end("select")
        return Node("select", start, self.now.start, (subject, cases))

    def _labels(self) -> list[Node]:
        out: list[Node] = []
        while True:
            start = self.now.start
            if self.skip("is") or self.sees("<", ">", "=", "<=", ">=", "<>"):
                sign = self.take().text
                value = self.expression()
                out.append(Node("beside", start, value.end, (sign, value)))
            else:
                value = self.expression()
                if self.skip("to"):
                    high = self.expression()
                    value = Node("between", start, high.end, (value, high))
                out.append(value)
            if not self.skip(","):
                return out

    def _procedure(self, start: int) -> Node:
        word = self.tokens[self.at - 1].text
        puts = word == "property" and not self.skip("get") and self.skip("let", "set")
        name = self.take().text + ("=" if puts else "")
        names = self._parameters() if self.sees("(") else []
        self._type()
        body = self.block(())
        self._end(word)
        return Node("procedure", start, self.tokens[self.at - 1].end, (name, names, body))

    def _parameters(self) -> list[tuple[str, bool, Node | None]]:
        """Names, whether by value, and what they are where nobody gives them."""
        out: list[tuple[str, bool, Node | None]] = []
        self.expect("(")
        by_value = False
        while not self.skip(")"):
            if self.now.kind in ("line", "end"):
                raise ParseError("a parameter expected", self.now.start)
            if self.sees("byval", "byref", "optional", "paramarray"):
                by_value = self.take().text == "byval" or by_value
                continue
            name = self.take().text
            if self.skip("("):
                self.expect(")")
            self._type()
            default = self.expression() if self.skip("=") else None
            out.append((name, by_value, default))
            by_value = False
            self.skip(",")
        return out

    def _with(self, start: int) -> Node:
        subject = self.expression()
        body = self.block(())
        self._end("with")
        return Node("within", start, self.now.start, (subject, body))

    def _class(self, start: int) -> Node:
        """A class: its procedures are taken for those of the module."""
        name = self.take().text
        body = self.block(())
        self._end("class")
        return Node("block", start, self.now.start, (body, name))

    def _skipped(self, start: int) -> Node:
        """A type."""
        while self.now.kind != "end" and not (self.sees("end") and self.tokens[self.at + 1].text == "type"):
            self.at += 1
        self._end("type")
        return Node("nothing", start, self.now.start)

    def _enum(self, start: int) -> Node:
        """Names for numbers, each one more than the last where it does not say."""
        self.take()
        pairs: list[tuple[str, Node]] = []
        value, more = Node("constant", start, start, (0,)), 0
        while self.now.kind != "end" and not self.sees("end"):
            if self.skip("=") and pairs:
                value, more = self.expression(), 1
                pairs[-1] = (pairs[-1][0], value)
            elif self.now.kind == "name":
                more_node = Node("constant", start, start, (more,))
                pairs.append((self.take().text, Node("chain", start, start, (9, value, [("+", more_node)]))))
                more += 1
            else:
                self.at += 1
        self._end("enum")
        return Node("const", start, self.now.start, (pairs,))

    def _goto(self, start: int) -> Node:
        """On at a label, or a line of a number."""
        return Node("goto", start, self.now.end, (self.take().text,))

    def _rest(self, start: int) -> Node:
        """A line that is of no use here."""
        while self.now.kind not in ("line", "end"):
            self.at += 1
        return Node("nothing", start, self.now.start)

    def _declare(self, start: int) -> Node:
        """A function of a library: its name and whose it is."""
        first = self.at
        self._rest(start)
        words = [token.text for token in self.tokens[first : self.at]]
        return Node("declare", start, self.now.start, (words,))

    def _exit(self, start: int) -> Node:
        return Node("exit", start, self.now.start, (self.take().text,))

    def _stop(self, start: int) -> Node:
        return Node("exit", start, self.now.start, ("all",))

    def _input(self, start: int) -> Node:
        """``Open``, ``Print #``, ``Put #`` and the like."""
        word = self.tokens[self.at - 1].text
        arguments = [part for part in self._loose() if part is not None]
        return Node("file", start, self.now.start, (word, arguments))

    def _loose(self) -> list[Node | None]:
        out: list[Node | None] = []
        while self.now.kind not in ("line", "end"):
            if self.skip(
                "#",
                ",",
                ";",
                "for",
                "as",
                "output",
                "input",
                "binary",
                "append",
                "access",
                "read",
                "write",
                "random",
            ):
                continue
            out.append(self.expression())
        return out


_PARSERS: dict[str, Callable[[Any, int], Node]] = {
    "set": Parser._set, "let": Parser._set, "call": Parser._call, "dim": Parser._dim, "redim": Parser._dim, "global": Parser._dim, "const": Parser._const,
    "if": Parser._if, "for": Parser._for, "do": Parser._do, "while": Parser._while, "select": Parser._select, "sub": Parser._procedure,
    "function": Parser._procedure, "property": Parser._procedure, "with": Parser._with, "class": Parser._class, "type": Parser._skipped, "enum": Parser._enum, "goto": Parser._goto,
    "declare": Parser._declare, "exit": Parser._exit, "end": Parser._stop, "open": Parser._input, "print": Parser._input, "put": Parser._input,
    **dict.fromkeys(("on", "option", "attribute", "randomize", "erase", "gosub", "resume", "close", "stop", "event", "implements", "version", "begin"), Parser._rest),
}  # fmt: skip
_WITH_SIGN = frozenset(("if", "while", "select", "with", "open", "print", "put", "for", "call"))


def parse(source: str) -> tuple[Node, list[str]]:
    """The tree of a module, and the faults that were passed over. Raises ParseError, RecursionError."""
    parser = Parser(source)
    return parser.module(), parser.faults
