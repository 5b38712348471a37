"""Batch files: carets, variables, pieces of variables, loops and jumps taken away, until what is left is commands.

Expansion after "How does the Windows Command Interpreter parse scripts" (its phases 1, 2 and 5): percent signs first, then carets
and separators, then exclamation marks where they are switched on. Files that ``echo`` writes are put together and kept.
"""

from __future__ import annotations

import re
from functools import partial

from kazami.detect.content.script.batch import start
from kazami.detect.content.script.batch.text import (
    LABEL,
    arithmetic,
    block,
    commands,
    fields,
    joined,
    piece,
    uncaret,
)
from kazami.detect.content.script.host import ENVIRONMENT
from kazami.detect.content.script.record import TEXT, Ended, Meter, Record

_PERCENT = re.compile(
    r"%%|%(?:(~[a-zA-Z]*\d|\*|\d)|([^%:\r\n]{1,80})(?::(~[^%\r\n]{0,40}|[^%\r\n]{1,80}=[^%\r\n]{0,4000}))?%)"
)
_DELAYED = re.compile(r"!([^!:\r\n]{1,80})(?::(~[^!\r\n]{0,40}|[^!\r\n]{1,80}=[^!\r\n]{0,4000}))?!")
_SET = re.compile(r"set\b\s*(/a|/p)?\s*(.*)", re.IGNORECASE | re.DOTALL)
_FOR = re.compile(
    r"for\b\s*(/[lfdr])?\s*(.*?)%{1,2}(\w)\s+in\s*\((.*?)\)\s*do\b\s*(.*)", re.IGNORECASE | re.DOTALL
)
_IF = re.compile(
    r"if\b\s+(/i\s+)?(not\s+)?(defined\s+\S+|exist\s+(?:\"[^\"]*\"|\S+)|errorlevel\s+\d+|(?:\"[^\"]*\"|\S+?)\s*(?:==|\b(?:equ|neq|lss|leq|gtr|geq)\b)\s*(?:\"[^\"]*\"|\S+))\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_ECHO = re.compile(
    r"@?echo[ .:,;(/\\\[\]+]?(.*?)\s*(>>?)\s*\"?([^\s\"&|<>]{1,200})\"?\s*$", re.IGNORECASE | re.DOTALL
)
_ECHO_AFTER = re.compile(
    r"(>>?)\s*\"?([^\s\"&|<>]{1,200})\"?\s*@?\(?echo[ .:,;(](.*)$", re.IGNORECASE | re.DOTALL
)
_FED = re.compile(
    r"\becho[ .](.{4,}?)\|\s*@?\"?(?:[\w:\\.%-]{0,200}[\\/])?(?:powershell|pwsh)(?:\.exe)?\"?(?=[\s&|]|$)",
    re.IGNORECASE,
)
_CMD = re.compile(
    r"\"?(?:[\w:\\.%-]{0,200}[\\/])?cmd(?:\.exe)?\"?[\s,;=]+(?:/[a-z:]+[\s,;=]*)*?/[ckr][\s,;=]*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_START = re.compile(r"start\b\s+(?:\"[^\"]*\"\s+)?(?:/\w+(?:\s+\d+)?\s+)*(.*)", re.IGNORECASE | re.DOTALL)
_GROUP = re.compile(r"@?\((.*)\)\s*(>>?)\s*\"?([^\s\"&|<>]{1,200})\"?\s*$", re.DOTALL)
_WORD = re.compile(r"((?:[^\s\",;=]|\"[^\"\s]*\")+)[\s,;=]*")
_VARIABLE = re.compile(r"%{1,2}(~[a-z]*)?(\w)(?!\w)")
_DEPTH, _VISITS = 20, 4096
_ITSELF = "C:\\Users\\user\\script.bat"
_LINE = 64 << 10  # characters; Windows takes 8,191


def _loop_value(named: dict[str, str], match: re.Match[str]) -> str:
    value = named.get(match[2], match[0])
    return value.strip('"') if match[1] else value


def run(source: str, meter: Meter | None = None) -> Record:
    """What a batch file comes to. Never raises for what it says."""
    machine = _Machine(source, meter or Meter())
    try:
        machine.run()
    except Ended as ended:
        machine.record.stop(str(ended), ended.kind)
    except RecursionError:
        machine.record.stop("nested too deep", "limit")
    for name, lines in machine.files.items():
        machine.record.layer("\r\n".join(lines), start.extension(name), f"echo > {name}")
    out = "\r\n".join(machine.out)
    machine.record.folded = out if machine.changed else ""
    return machine.record


class _Machine:
    """Variables, files that were written, and the place in the text."""

    def __init__(self, source: str, meter: Meter) -> None:
        self.record, self.meter = Record(), meter
        self.lines = joined(source)
        self.labels = {
            match[1].lower(): at for at, line in enumerate(self.lines) if (match := LABEL.match(line))
        }
        self.variables: dict[str, str] = dict(ENVIRONMENT)
        self.files: dict[str, list[str]] = {}
        self.out: list[str] = []
        self.size = 0
        self.changed = 0
        self.delayed = False
        self.jump: int | None = None
        self.source = source
        self.given: list[list[str]] = [[_ITSELF]]

    def run(self, at: int = 0) -> None:
        """Line by line, with jumps whose label is there."""
        visits = [0] * len(self.lines)
        while at < len(self.lines):
            visits[at] += 1
            if visits[at] > _VISITS:
                raise Ended("lines run again and again", "time")
            self.jump = None
            line = self.lines[at]
            if line.strip() and not LABEL.match(line):
                self._line(line, 0)
            at = at + 1 if self.jump is None else self.jump

    def _line(self, line: str, depth: int) -> None:
        self.meter.room(len(line))
        expanded = self._expanded(line) if len(line) <= _LINE else line
        if len(expanded) > _LINE:
            self.record.stop(f"a line of {len(expanded):,} characters, which Windows does not take")
            return
        self.meter.step(len(expanded) >> 4)
        if match := _FED.search(expanded):
            self.record.layer(uncaret(match[1]).strip(), "ps1", "standard input")
        if match := _GROUP.match(expanded.strip()):
            self._group(match)
            return
        for command in commands(expanded):
            self._command(command, depth)
            if self.jump is not None:
                return

    def _group(self, match: re.Match[str]) -> None:
        """What all commands in parentheses put out goes to one file."""
        mode = match[2]
        for command in commands(match[1]):
            text = self._late(uncaret(command).strip())
            if echoed := re.match(r"@?echo[ .:,;(/\\\[\]+](.*)", text, re.IGNORECASE | re.DOTALL):
                self._write(match[3], echoed[1], mode)
                mode = ">>"
            else:
                self._command(command, 0)

    def _expanded(self, line: str) -> str:
        """Percent signs."""
        return _PERCENT.sub(lambda match: self._value(match, 2, 3), line)

    def _value(self, match: re.Match[str], name: int, way: int) -> str:
        self.meter.step()
        if match[0] == "%%":  # a loop's variable, or a percent sign
            return match[0]
        if name == 2 and match[1]:
            return self._argument(match[1])
        value = self.variables.get(match[name].lower())
        if value is None:
            return match[0] if match[name][:1].isspace() else ""
        if match[name].lower() not in ENVIRONMENT or match[way]:
            self.changed += 1
        return piece(value, match[way]) if match[way] else value

    def _argument(self, sign: str) -> str:
        """``%1``, ``%~1``, ``%*``: what a label was called with; the name of the file itself."""
        given = self.given[-1]
        if sign == "*":
            return " ".join(given[1:])
        value = given[int(sign[-1])] if int(sign[-1]) < len(given) else ""
        if not sign.startswith("~"):
            return value
        way, plain = sign[1:-1].lower(), value.strip('"')
        folder, _, name = plain.rpartition("\\")
        if "f" in way or not set(way) & set("dpnx"):
            return plain
        stem, dot, ending = name.rpartition(".")
        stem, ending = (stem, dot + ending) if dot else (name, "")
        kept = {"d": folder[:2], "p": folder[2:] + "\\" * bool(folder), "n": stem, "x": ending}
        return "".join(part for letter, part in kept.items() if letter in way)

    def _command(self, raw: str, depth: int) -> None:
        """One command, carets still in it."""
        if depth > _DEPTH:
            raise Ended("commands in commands", "limit")
        self.meter.step()
        text = uncaret(raw).strip("\r\n").lstrip("@(,;= \t")
        self.changed += text.count("") > 1 and raw.count("^") > 2
        word = re.match(r"[a-z]+", text, re.IGNORECASE)
        special = _SPECIAL.get(word[0].lower()) if word else None
        if special not in (_Machine.loop, _Machine.when):  # those expand when their commands are reached
            text = self._late(text)
        if special is not None and special(self, text, raw, depth):
            return
        text = text.strip()
        self._plain(text.rstrip(") ") if text.count(")") > text.count("(") else text, depth)

    def _late(self, text: str) -> str:
        """Exclamation marks."""
        return _DELAYED.sub(lambda match: self._value(match, 1, 2), text) if self.delayed else text

    def _plain(self, text: str, depth: int) -> None:
        """A program is started, or a file is written."""
        if not text:
            return
        self.size += len(text)
        if self.size > TEXT:
            raise Ended("too much text comes out", "memory")
        self.out.append(text)
        if match := _ECHO.match(text):
            self._write(match[3], match[1], match[2])
        elif match := _ECHO_AFTER.match(text):
            self._write(match[2], match[3], match[1])
        elif not re.match(r"echo\b", text, re.IGNORECASE):
            self.record.call("run", text)
            self._inner(text, depth)

    def _inner(self, text: str, depth: int) -> None:
        word = _WORD.match(text)
        if word and (word[0].strip() != word[1] or '"' in word[1][1:-1]):
            self.changed += 1
            text = word[1].replace('"', "") + " " + text[word.end() :]
        if match := _CMD.match(text):
            self.delayed = self.delayed or "/v" in text[: match.start(1)].lower()
            self._line(match[1].strip().removeprefix('"').removesuffix('"'), depth + 1)
        elif match := _START.match(text):
            self._command(match[1], depth + 1)
        else:
            start.inner(text, self.record, self.meter, self.files, {_ITSELF.lower(): self.source})

    def _write(self, name: str, text: str, mode: str) -> None:
        lines = self.files.setdefault(name.lower(), [])
        if mode == ">":
            lines.clear()
        lines.append(text.rstrip()[: -1 if text.count(")") > text.count("(") else None])

    def set(self, text: str, raw: str, depth: int) -> bool:
        """``set name=value``, ``set /a``."""
        match = _SET.match(text)
        if match is None:
            return False
        pairs = match[2].lstrip()  # blanks at the end belong to the value
        if pairs.startswith('"'):
            pairs = pairs[1 : pairs.rfind('"')] if pairs.rfind('"') > 0 else pairs[1:]
        name, equals, value = pairs.partition("=")
        if match[1] and match[1].lower() == "/a":
            for part in pairs.replace('"', "").split(","):
                self._sum(part)
        elif equals and not match[1]:
            self.meter.room(len(value))
            self.variables[name.strip().lower()] = value
            self.record.call(f"set {name.strip()}", value)
        return True

    def _sum(self, text: str) -> None:
        name, sign, expression = text.partition("=")
        if not sign:
            return
        operator = name[-1] if name[-1:] in "+-*/%^|&" else ""
        name = name.rstrip("+-*/%^|& ").strip().lower()
        words = (
            re.sub(r"\b[a-z_]\w*\b", lambda m: self.variables.get(m[0].lower(), "0"), expression.lower())
            if "0x" not in expression
            else expression
        )
        value = arithmetic(f"{self.variables.get(name, '0')}{operator}({words})" if operator else words)
        if value is not None:
            self.variables[name] = str(value)

    def call(self, text: str, raw: str, depth: int) -> bool:
        """``call`` expands once more; a label is gone through with what it is given, up to where it ends."""
        rest = self._expanded(text[4:].strip().replace("%%", "%"))
        if not rest.startswith(":"):
            self._line(rest, depth + 1)
            return True
        words = re.findall(r'(?:[^\s,;="]|"[^"]*"?)+', rest)
        at = self.labels.get(words[0][1:].lower()) if words else None
        if at is not None and len(self.given) < _DEPTH:
            self.given.append([words[0], *words[1:]])
            self.run(at)
            self.given.pop()
            self.jump = None
        return True

    def goto(self, text: str, raw: str, depth: int) -> bool:
        """On with another line."""
        label = re.sub(r"^goto\s*:?", "", text, flags=re.IGNORECASE).split(" ")[0].strip(" :)").lower()
        if depth == 0 and label == "eof":
            self.jump = len(self.lines)
        elif depth == 0 and label in self.labels:
            self.jump = self.labels[label]
        return True

    def exit(self, text: str, raw: str, depth: int) -> bool:
        """Back to who called the label; of the file itself, what follows may be reached otherwise."""
        if depth == 0 and len(self.given) > 1:
            self.jump = len(self.lines)
        return True

    def shift(self, text: str, raw: str, depth: int) -> bool:
        """Arguments move up."""
        del self.given[-1][1:2]
        return True

    def loop(self, text: str, raw: str, depth: int) -> bool:
        """A loop over words or numbers; over what a command says, once, with nothing."""
        match = _FOR.match(text)
        if match is None:
            return False
        items: list[str] = [""]
        options = ""
        if not match[1]:
            items = re.findall(r'"[^"]*"|[^\s,;="]+', match[4]) or [""]
        elif match[1].lower() == "/l":
            numbers = [int(one) for one in re.findall(r"-?\d+", match[4])]
            if len(numbers) == 3 and numbers[1]:
                items = [
                    str(n)
                    for n in range(numbers[0], numbers[2] + (1 if numbers[1] > 0 else -1), numbers[1])[:2000]
                ]
        elif match[1].lower() == "/f":
            items, options = self._said(match[4]), match[2].strip()
        body = commands(block(match[5])[0])
        for item in items:
            values = fields(item, options) if options else [item]
            named = {chr(ord(match[3]) + at): value for at, value in enumerate(values)}
            for command in body:
                self._command(_VARIABLE.sub(partial(_loop_value, named), command), depth + 1)
        return True

    def _said(self, source: str) -> list[str]:
        """What a command within a loop puts out, where that is known: a text, a variable, an ``echo``."""
        source = source.strip()
        if source.startswith('"'):
            return [source.strip('"')]
        if source.lower() in self.files:
            return self.files[source.lower()]
        inner = source.strip("'`")
        self._command(inner, _DEPTH - 2)
        echoed = re.match(r"\s*echo[ .](.*)", inner, re.IGNORECASE)
        return [echoed[1].strip()] if echoed else [""]

    def when(self, text: str, raw: str, depth: int) -> bool:
        """The commands of a condition, unless it is known not to hold."""
        match = _IF.match(text)
        if match is None:
            return False
        holds = self._holds(self._late(match[3]), bool(match[1]))
        body, rest = block(match[4])
        other = re.sub(r"^else\b", "", rest, flags=re.IGNORECASE) if rest else ""
        if holds is None:
            chosen = [*commands(body), *commands(block(other)[0])]
        else:
            chosen = commands(block(other)[0] if holds == bool(match[2]) else body)
        for command in chosen:
            self._command(command, depth + (holds is None))
        return True

    def _holds(self, condition: str, fold: bool) -> bool | None:
        if match := re.match(r"defined\s+(\S+)", condition, re.IGNORECASE):
            return match[1].lower() in self.variables
        if match := re.match(
            r"(\"[^\"]*\"|\S+?)\s*(?:==|\bequ\b)\s*(\"[^\"]*\"|\S+)", condition, re.IGNORECASE
        ):
            return (match[1].lower() == match[2].lower()) if fold else match[1] == match[2]
        return None

    def local(self, text: str, raw: str, depth: int) -> bool:
        """``setlocal`` switches exclamation marks on."""
        self.delayed = self.delayed or "enabledelayed" in text.lower()
        return True

    def nothing(self, text: str, raw: str, depth: int) -> bool:
        """Words that do nothing."""
        return True


_SPECIAL = {
    "set": _Machine.set, "call": _Machine.call, "goto": _Machine.goto, "for": _Machine.loop, "if": _Machine.when, "setlocal": _Machine.local,
    "rem": _Machine.nothing, "endlocal": _Machine.nothing, "exit": _Machine.exit, "shift": _Machine.shift, "else": _Machine.nothing,
}  # fmt: skip
