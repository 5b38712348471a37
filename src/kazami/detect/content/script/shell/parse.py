"""Commands of the shell (POSIX.1-2017, Shell Command Language 2.10, and what bash adds). Words stay as they are written; `word` expands them."""

from __future__ import annotations

import re

from kazami.detect.content.script.tree import Node, ParseError

_BLANK = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_EMPTY = re.compile(r"(?:[ \t\r\n;]|\\\n|#[^\n]*)*")
_REDIRECT = re.compile(r"(\{\w+\}|\d*)(<<<|<<-?|<>|<&|>>|>&|>\||&>>?|<(?!\()|>(?!\())")
_SET = re.compile(r"[A-Za-z_]\w*(?:\[[^\]\n]{0,80}\])?\+?=")
_ARRAY = re.compile(r"[A-Za-z_]\w*\+?=\(")
_FUNCTION = re.compile(
    r"(?:function[ \t]+([^\s(){};&|]+)[ \t]*(?:\([ \t]*\))?|([\w.:-]+)[ \t]*\([ \t]*\))[ \t\r\n]*(?=[{(])"
)
_NEXT = re.compile(r"[^\s;&|()<>]+")
_OPENS = {"(": ")", "{": "}"}
_STOPS = frozenset(" \t\r\n;&|()<>")
_DEPTH = 60
_FAULTS = 20


class Parser:
    """A place in a script. `faults` are lines that did not parse and were left out."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.faults: list[str] = []
        self.waiting: list[tuple[str, bool, list[str]]] = []

    def script(self) -> list[Node]:
        """All of it."""
        out: list[Node] = []
        while True:
            try:
                out += self.body(())
                if self.at >= len(self.text):
                    return out
                raise ParseError("unexpected", self.at)
            except ParseError as error:
                self.faults.append(str(error))
                if len(self.faults) > _FAULTS:
                    return out
                end = self.text.find("\n", max(self.at, error.at))
                self.at = len(self.text) if end < 0 else end + 1
                self.depth = 0

    def body(self, ends: tuple[str, ...]) -> list[Node]:
        """Commands up to one of the words that end them, which is left where it is."""
        out: list[Node] = []
        while True:
            self._lines()
            if self.at >= len(self.text) or self.text[self.at] == ")" or self._sees(*ends):
                return out
            out.append(self._pipeline())
            self._blank()
            while self._skip("&&") or self._skip("||"):
                joint = self.text[self.at - 2 : self.at]
                self._lines()
                right = self._pipeline()
                out.append(Node("joined", right.start, right.end, (joint, right)))
                self._blank()
            if self.text[self.at : self.at + 2] == ";;":
                return out
            self._skip("&")

    def _lines(self) -> None:
        """Over blanks, comments and ends of lines, and the bodies of here-documents behind them."""
        while True:
            match = _EMPTY.match(self.text, self.at)
            end = match.end() if match else self.at
            if self.waiting and (line := self.text.find("\n", self.at, end)) >= 0:
                self.at = line + 1
                self._here()
                continue
            if self.text[self.at : end].find(";;") >= 0:
                end = self.text.find(";;", self.at)
            self.at = end
            return

    def _here(self) -> None:
        for word, tabs, into in self.waiting:
            lines = []
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = min(end + 1, len(self.text))
                line = line.lstrip("\t") if tabs else line
                if line.rstrip("\r") == word:
                    break
                lines.append(line)
            into.append("".join(f"{line}\n" for line in lines))
        self.waiting = []

    def _blank(self) -> None:
        if match := _BLANK.match(self.text, self.at):
            self.at = match.end()

    def _sees(self, *words: str) -> bool:
        match = _NEXT.match(self.text, self.at)
        return match is not None and match[0] in words

    def _skip(self, sign: str) -> bool:
        found = self.text.startswith(sign, self.at)
        self.at += len(sign) * found
        return found

    def _word_is(self, *words: str) -> str:
        self._lines()
        if self._sees(*words):
            match = _NEXT.match(self.text, self.at)
            self.at = match.end() if match else self.at
            return match[0] if match else ""
        return ""

    def _expect(self, word: str) -> None:
        if not self._word_is(word):
            raise ParseError(f"{word!r} expected", self.at)

    def _pipeline(self) -> Node:
        start, steps = self.at, []
        self.depth += 1
        if self.depth > _DEPTH:
            raise ParseError("nested too deep", self.at)
        while self._sees("!", "time"):
            self._word_is("!", "time")
            self._blank()
        while True:
            steps.append(self._command())
            self._blank()
            if self.text.startswith("||", self.at) or not self._skip("|"):
                break
            self._skip("&")
            self._lines()
        self.depth -= 1
        return steps[0] if len(steps) == 1 else Node("pipeline", start, self.at, (steps,))

    def _command(self) -> Node:
        start = self.at
        if match := _FUNCTION.match(self.text, self.at):
            self.at = match.end()
            return Node("function", start, self.at, (match[1] or match[2], self._command()))
        word = _NEXT.match(self.text, self.at)
        parser = _COMPOUND.get(word[0]) if word else None
        if self.text.startswith("((", self.at):
            self.at = self._closed(self.at + 1, "(", ")") + 1
            found = Node("sum", start, self.at, (self.text[start + 2 : self.at - 2],))
        elif parser is not None and word is not None:
            self.at = word.end()
            found = parser(self, start)
        elif self._skip("("):
            found = Node("block", start, self.at, (self.body(()),))
            self._expect_sign(")")
        else:
            return self._simple()
        self._blank()
        redirects = []
        while redirect := self._redirect():
            redirects.append(redirect)
            self._blank()
        return Node("with", start, self.at, (found, redirects)) if redirects else found

    def _expect_sign(self, sign: str) -> None:
        self._lines()
        if not self._skip(sign):
            raise ParseError(f"{sign!r} expected", self.at)

    def _simple(self) -> Node:
        start = self.at
        sets: list[tuple[str, str]] = []
        words: list[str] = []
        redirects: list[tuple[str, str, list[str]]] = []
        while True:
            self._blank()
            if redirect := self._redirect():
                redirects.append(redirect)
            elif not words and (match := _SET.match(self.text, self.at)):
                self.at = match.end()
                sets.append((match[0], self._value()))
            elif words and (match := _ARRAY.match(self.text, self.at)):
                self.at = match.end() - 1
                sets.append((match[0][:-1], self._value()))
            elif word := self.word():
                words.append(word)
            else:
                break
        if self.at == start:
            raise ParseError("a command expected", self.at)
        return Node("simple", start, self.at, (sets, words, redirects))

    def _value(self) -> str:
        """What a variable is set to: a word, or an array in parentheses."""
        if self.text[self.at : self.at + 1] == "(":
            end = self._closed(self.at, "(", ")")
            value, self.at = self.text[self.at : end], end
            return value
        return self.word()

    def _redirect(self) -> tuple[str, str, list[str]] | None:
        match = _REDIRECT.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        self._blank()
        word = self.word()
        body: list[str] = []
        if match[2] in ("<<", "<<-"):
            plain = re.sub(r"[\"'\\]", "", word)
            self.waiting.append((plain, match[2] == "<<-", body))
            return ("<<" if plain == word else "<<'", word, body)
        return (match[2], word, body)

    def word(self) -> str:
        """A word as it is written, with its quotes; "" where none begins here."""
        start, text = self.at, self.text
        while self.at < len(text):
            char = text[self.at]
            if char == "\\":
                self.at += 2
            elif char in "'\"`":
                self.at = self._quoted(self.at)
            elif char == "$" and text[self.at + 1 : self.at + 2] in ("(", "{", "'"):
                after = text[self.at + 1]
                self.at = (
                    self._quoted(self.at + 1, True)
                    if after == "'"
                    else self._closed(self.at + 1, after, _OPENS[after])
                )
            elif char in "<>" and text[self.at + 1 : self.at + 2] == "(":
                self.at = self._closed(self.at + 1, "(", ")")
            elif char in _STOPS or (char == "#" and self.at == start):
                break
            else:
                self.at += 1
        self.at = min(self.at, len(text))
        return text[start : self.at]

    def _quoted(self, at: int, escapes: bool = False) -> int:
        """Behind the quote that closes the one at `at`."""
        text, quote = self.text, self.text[at]
        at += 1
        while at < len(text) and text[at] != quote:
            if text[at] == "\\" and (quote != "'" or escapes):
                at += 2
            elif quote == '"' and text[at] == "$" and text[at + 1 : at + 2] in ("(", "{"):
                at = self._closed(at + 1, text[at + 1], _OPENS[text[at + 1]])
            else:
                at += 1
        return at + 1

    def _closed(self, at: int, opening: str, closing: str) -> int:
        """Behind what closes the parenthesis or brace at `at`."""
        text, depth = self.text, 0
        while at < len(text):
            char = text[at]
            if char == "\\":
                at += 1
            elif char in "'\"`":
                at = self._quoted(at) - 1
            elif char == opening:
                depth += 1
            elif char == closing:
                depth -= 1
                if not depth:
                    return at + 1
            at += 1
        return len(text)

    def _if(self, start: int) -> Node:
        branches = []
        word = "if"
        while word in ("if", "elif"):
            condition = self.body(("then",))
            self._expect("then")
            branches.append((condition, self.body(("elif", "else", "fi"))))
            word = self._word_is("elif", "else", "fi")
        if word == "else":
            branches.append(([], self.body(("fi",))))
            self._expect("fi")
        return Node("if", start, self.at, (branches,))

    def _while(self, start: int) -> Node:
        condition = self.body(("do",))
        return Node("while", start, self.at, (condition, self._done()))

    def _done(self) -> list[Node]:
        self._expect("do")
        body = self.body(("done",))
        self._expect("done")
        return body

    def _for(self, start: int) -> Node:
        self._blank()
        if self.text.startswith("((", self.at):
            end = self._closed(self.at + 1, "(", ")") + 1
            parts = self.text[self.at + 2 : end - 2].split(";")
            self.at = end
            self._lines()
            return Node("count", start, self.at, ((*parts, "", "")[:3], self._done()))
        name, words = self.word(), []
        if self._word_is("in"):
            self._blank()
            while word := self.word():
                words.append(word)
                self._blank()
        return Node("for", start, self.at, (name, words, self._done()))

    def _case(self, start: int) -> Node:
        self._blank()
        subject, branches = self.word(), []
        self._expect("in")
        while not self._word_is("esac"):
            self._lines()
            if self.at >= len(self.text):
                raise ParseError("'esac' expected", self.at)
            self._skip("(")
            end = self.text.find(")", self.at)
            labels = self.text[self.at : end].split("|") if end >= 0 else []
            self.at = end + 1 if end >= 0 else len(self.text)
            branches.append(([label.strip() for label in labels], self.body(("esac",))))
            self._lines()
            while self.text[self.at : self.at + 1] in (";", "&") and self.text[self.at : self.at + 1]:
                self.at += 1
        return Node("case", start, self.at, (subject, branches))

    def _block(self, start: int) -> Node:
        body = self.body(("}",))
        self._expect("}")
        return Node("block", start, self.at, (body,))

    def _test(self, start: int) -> Node:
        end = re.compile(r"(?<=\s)\]\](?=[\s;&|)]|\Z)").search(self.text, self.at)
        if end is None:
            raise ParseError("']]' expected", self.at)
        self.at = end.end()
        return Node("test", start, self.at, ())


_COMPOUND = {
    "if": Parser._if,
    "while": Parser._while,
    "until": Parser._while,
    "for": Parser._for,
    "select": Parser._for,
    "case": Parser._case,
    "{": Parser._block,
    "[[": Parser._test,
}


def parse(text: str) -> tuple[list[Node], list[str]]:
    """The commands of a script, and the faults that were passed over. Raises RecursionError."""
    parser = Parser(text)
    return parser.script(), parser.faults
