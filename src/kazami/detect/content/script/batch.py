"""Batch files: carets, variables, pieces of variables, loops and jumps taken away, until what is left is commands.

Expansion after "How does the Windows Command Interpreter parse scripts" (its phases 1, 2 and 5): percent signs first, then carets
and separators, then exclamation marks where they are switched on. Files that ``echo`` writes are put together and kept.
"""

from __future__ import annotations

import base64
import binascii
import re

from kazami.detect.content.script.host import ENVIRONMENT
from kazami.detect.content.script.record import TEXT, Ended, Meter, Record

_PERCENT = re.compile(
    r"%%|%(?:(~[a-zA-Z]*\d|\*|\d)|([^%:\r\n]{1,80})(?::(~[^%\r\n]{0,40}|[^%\r\n]{1,80}=[^%\r\n]{0,4000}))?%)"
)
_DELAYED = re.compile(r"!([^!:\r\n]{1,80})(?::(~[^!\r\n]{0,40}|[^!\r\n]{1,80}=[^!\r\n]{0,4000}))?!")
_SLICE = re.compile(r"~\s*(-?\d+)?\s*(?:,\s*(-?\d+))?")
_SET = re.compile(r"set\b\s*(/a|/p)?\s*(.*)", re.IGNORECASE | re.DOTALL)
_LABEL = re.compile(r"^\s*:([^\s:+=&|<>]+)", re.MULTILINE)
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
_SHELL = re.compile(
    r"\"?(?:[\w:\\.%-]{0,200}[\\/])?(?:powershell|pwsh)(?:\.exe)?\"?\s+(.*)", re.IGNORECASE | re.DOTALL
)
_FED = re.compile(
    r"\becho[ .](.{4,}?)\|\s*@?\"?(?:[\w:\\.%-]{0,200}[\\/])?(?:powershell|pwsh)(?:\.exe)?\"?(?=[\s&|]|$)",
    re.IGNORECASE,
)
_CMD = re.compile(
    r"\"?(?:[\w:\\.%-]{0,200}[\\/])?cmd(?:\.exe)?\"?\s+(?:/[a-z:]+\s*)*?/[ckr]\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_START = re.compile(r"start\b\s+(?:\"[^\"]*\"\s+)?(?:/\w+(?:\s+\d+)?\s+)*(.*)", re.IGNORECASE | re.DOTALL)
_INLINE = re.compile(
    r"(?:mshta(?:\.exe)?\"?\s+\"?|rundll32(?:\.exe)?\"?\s+\"?)\s*(vbscript|javascript|about)\s*:(.*)",
    re.IGNORECASE | re.DOTALL,
)
_DECODE = re.compile(
    r"certutil(?:\.exe)?\"?\s+.*?[-/]decode(hex)?\s+(?:[-/]f\s+)?\"?([^\s\"]+)\"?\s+\"?([^\s\"]+)",
    re.IGNORECASE,
)
_ENCODED = re.compile(
    r"[-/\u2013\u2014]e(?:nc?|nco|ncod|ncode|ncoded|ncodedc\w*|c)?\s+\"?([A-Za-z0-9+/=]{8,})", re.IGNORECASE
)
_COMMAND = re.compile(r"[-/\u2013\u2014]c(?:o(?:m(?:m(?:a(?:nd?)?)?)?)?)?\s+(.*)", re.IGNORECASE | re.DOTALL)
_OPTION = re.compile(
    r"(?:[-/\u2013\u2014](?:nop\w*|noni\w*|nol\w*|sta|mta|noexit)\s+|[-/\u2013\u2014](?:w\w*|ex?\w*|exec\w*|ep|v\w*|inp\w*|outp\w*|if|of)\s+\S+\s+)+",
    re.IGNORECASE,
)
_DEPTH, _VISITS = 20, 64
_LINE = 64 << 10  # characters; Windows takes 8,191


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
        machine.record.layer("\r\n".join(lines), _extension(name), f"echo > {name}")
    out = "\r\n".join(machine.out)
    machine.record.folded = out if machine.changed else ""
    return machine.record


def _extension(name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    return ending if re.fullmatch(r"[a-z0-9]{1,5}", ending) else "txt"


class _Machine:
    """Variables, files that were written, and the place in the text."""

    def __init__(self, source: str, meter: Meter) -> None:
        self.record, self.meter = Record(), meter
        self.lines = _joined(source)
        self.labels = {
            match[1].lower(): at for at, line in enumerate(self.lines) if (match := _LABEL.match(line))
        }
        self.variables: dict[str, str] = dict(ENVIRONMENT)
        self.files: dict[str, list[str]] = {}
        self.out: list[str] = []
        self.size = 0
        self.changed = 0
        self.delayed = False
        self.jump: int | None = None

    def run(self) -> None:
        """Line by line, with jumps whose label is there."""
        at, visits = 0, [0] * len(self.lines)
        while at < len(self.lines):
            visits[at] += 1
            if visits[at] > _VISITS:
                raise Ended("lines run again and again", "time")
            self.jump = None
            line = self.lines[at]
            if line.strip() and not _LABEL.match(line):
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
            self.record.layer(_uncaret(match[1]).strip(), "ps1", "standard input")
        for command in _commands(expanded):
            self._command(command, depth)
            if self.jump is not None:
                return

    def _expanded(self, line: str) -> str:
        """Percent signs."""
        return _PERCENT.sub(lambda match: self._value(match, 2, 3), line)

    def _value(self, match: re.Match[str], name: int, way: int) -> str:
        self.meter.step()
        if match[0] == "%%":  # a loop's variable, or a percent sign
            return match[0]
        if name == 2 and match[1]:
            return ""
        value = self.variables.get(match[name].lower())
        if value is None:
            return match[0] if match[name][:1].isspace() else ""
        if match[name].lower() not in ENVIRONMENT or match[way]:
            self.changed += 1
        return _piece(value, match[way]) if match[way] else value

    def _command(self, raw: str, depth: int) -> None:
        """One command, carets still in it."""
        if depth > _DEPTH:
            raise Ended("commands in commands", "limit")
        self.meter.step()
        text = _uncaret(raw).strip().lstrip("@(,;= \t").strip()
        self.changed += text.count("") > 1 and raw.count("^") > 2
        word = re.match(r"[a-z]+", text, re.IGNORECASE)
        special = _SPECIAL.get(word[0].lower()) if word else None
        if special not in (_Machine.loop, _Machine.when):  # those expand when their commands are reached
            text = self._late(text)
        if special is not None and special(self, text, raw, depth):
            return
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
        if match := _CMD.match(text):
            self._line(match[1].strip().removeprefix('"').removesuffix('"'), depth + 1)
        elif match := _START.match(text):
            self._command(match[1], depth + 1)
        elif match := _INLINE.search(text):
            self.record.layer(
                match[2].strip(), "vbs" if match[1].lower() == "vbscript" else "js", match[1].lower()
            )
        elif match := _DECODE.search(text):
            self._decoded(match)
        elif match := _SHELL.match(text):
            _powershell(match[1], self.record)

    def _write(self, name: str, text: str, mode: str) -> None:
        lines = self.files.setdefault(name.lower(), [])
        if mode == ">":
            lines.clear()
        lines.append(text.rstrip()[: -1 if text.count(")") > text.count("(") else None])

    def _decoded(self, match: re.Match[str]) -> None:
        lines = self.files.get(match[2].lower(), [])
        body = "".join(line.strip() for line in lines if not line.startswith("-----"))
        try:
            data = bytes.fromhex(body) if match[1] else base64.b64decode(body + "=" * (-len(body) % 4))
        except (binascii.Error, ValueError):
            return
        self.record.layer(data, _extension(match[3]), "certutil -decode")

    def set(self, text: str, raw: str, depth: int) -> bool:
        """``set name=value``, ``set /a``."""
        match = _SET.match(text)
        if match is None:
            return False
        pairs = match[2].strip()
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
        value = _arithmetic(f"{self.variables.get(name, '0')}{operator}({words})" if operator else words)
        if value is not None:
            self.variables[name] = str(value)

    def call(self, text: str, raw: str, depth: int) -> bool:
        """``call`` expands once more; of a label, what stands behind it is reached anyway."""
        rest = text[4:].strip()
        if rest.startswith(":"):
            return True
        self._line(rest.replace("%%", "%"), depth + 1)
        return True

    def goto(self, text: str, raw: str, depth: int) -> bool:
        """On with another line."""
        label = re.sub(r"^goto\s*:?", "", text, flags=re.IGNORECASE).split(" ")[0].strip(" :)").lower()
        if label == "eof":
            self.jump = len(self.lines)
        elif depth == 0 and label in self.labels:
            self.jump = self.labels[label]
        return True

    def loop(self, text: str, raw: str, depth: int) -> bool:
        """A loop over words or numbers; over what a command says, once, with nothing."""
        match = _FOR.match(text)
        if match is None:
            return False
        items: list[str] = [""]
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
            items = self._said(match[4])
        body = _commands(match[5])
        variable = re.compile(rf"%{{1,2}}~?[a-z]*{match[3]}(?!\w)")
        for item in items:
            value = item.strip('"').replace("\\", "\\\\")
            for command in body:
                self._command(variable.sub(value, command), depth + 1)
        return True

    def _said(self, source: str) -> list[str]:
        """What a command within a loop puts out, where that is known: a text, a variable, an ``echo``."""
        source = source.strip()
        if source.startswith('"'):
            return [source.strip('"')]
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
        if holds is not None and holds == bool(match[2]):
            _, word, other = match[4].partition(") else ")
            body = other if word else ""
        else:
            body = match[4]
        for command in _commands(body.strip().lstrip("(")):
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
    "rem": _Machine.nothing, "endlocal": _Machine.nothing, "exit": _Machine.nothing, "else": _Machine.nothing,
}  # fmt: skip


def _joined(source: str) -> list[str]:
    """Lines, where a caret at the end or an open parenthesis goes on with the next."""
    out: list[str] = []
    text = re.sub(r"\^\r?\n", "", source)
    for line in re.split(r"[\r\n]+", text):
        opened = out and not _LABEL.match(line) and _open(out[-1])
        if opened:
            out[-1] += (" " if line.strip().startswith(")") else " & ") + line.strip()
        else:
            out.append(line)
    return out


def _open(line: str) -> bool:
    """Whether a block begins in this line and does not end; only loops and conditions have blocks of lines."""
    if len(line) > 1 << 16 or not re.match(r"\s*@?\(?\s*(?:for|if|\()", line, re.IGNORECASE):
        return line.strip() == "("
    plain = re.sub(r'"[^"]*"|\^.', "", line)
    return plain.count("(") > plain.count(")")


def _commands(line: str) -> list[str]:
    """The commands of a line, split where ``&``, ``|`` stand outside quotes; a loop or condition keeps the rest of its line."""
    out: list[str] = []
    begin, quoted, at = 0, False, 0
    while at < len(line):
        char = line[at]
        if char == "^" and not quoted:
            at += 1
        elif char == '"':
            quoted = not quoted
        elif char in "&|" and not quoted and line[at - 1 : at] != ">":
            if re.match(r"\s*@?\(?\s*(?:for|if)\b", line[begin:at], re.IGNORECASE):
                break
            out.append(line[begin:at])
            begin = at + 1
        at += 1
    return [one for one in (*out, line[begin:]) if one.strip(" &|()")]


def _uncaret(text: str) -> str:
    """Without carets, but for those in quotes."""
    if "^" not in text:
        return text
    pieces = re.split(r'("[^"]*")', text)
    return "".join(
        piece if at % 2 else re.sub(r"\^(.)", r"\1", piece).replace("^", "")
        for at, piece in enumerate(pieces)
    )


def _piece(value: str, way: str) -> str:
    """``~from,length`` or ``old=new`` of a variable."""
    if way.startswith("~"):
        match = _SLICE.match(way)
        first = int(match[1] or 0) if match else 0
        first = max(len(value) + first, 0) if first < 0 else first
        if not match or match[2] is None:
            return value[first:]
        length = int(match[2])
        return value[first : first + length] if length >= 0 else value[first:length]
    old, _, new = way.partition("=")
    if old.startswith("*") and len(old) > 1:
        at = value.lower().find(old[1:].lower())
        return new + value[at + len(old) - 1 :] if at >= 0 else value
    return re.sub(re.escape(old), lambda _: new, value, flags=re.IGNORECASE)[:TEXT]


def _arithmetic(text: str) -> int | None:
    """A sum of whole numbers; None where it is none."""
    import ast

    try:
        return _sum(ast.parse(text.replace("/", "//").strip(), mode="eval").body, 0)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None


def _sum(node: object, depth: int) -> int:
    import ast
    import operator as op

    ways = {
        ast.Add: op.add,
        ast.Sub: op.sub,
        ast.Mult: op.mul,
        ast.FloorDiv: op.floordiv,
        ast.Mod: op.mod,
        ast.BitXor: op.xor,
        ast.BitAnd: op.and_,
        ast.BitOr: op.or_,
    }
    if depth > 50:
        raise ValueError("nested")
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_sum(node.operand, depth + 1)
    if isinstance(node, ast.BinOp) and type(node.op) in ways:
        return (
            int(ways[type(node.op)](_sum(node.left, depth + 1), _sum(node.right, depth + 1))) & 0xFFFFFFFFFFFF
        )
    raise ValueError("no sum")


def _powershell(arguments: str, record: Record) -> None:
    """What a command line tells PowerShell to run."""
    if match := _ENCODED.search(arguments):
        try:
            record.layer(
                base64.b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode("utf-16-le", "replace"),
                "ps1",
                "EncodedCommand",
            )
        except (binascii.Error, ValueError):
            record.unresolved.append(match[0][:100])
        return
    found = _COMMAND.search(arguments)
    rest = found[1] if found else _OPTION.sub("", arguments)
    rest = rest.strip()
    if rest.startswith('"'):
        rest = rest[1:].removesuffix('"').replace('\\"', '"')
    if rest and not rest.startswith(("-", "/")):
        record.layer(rest, "ps1", "Command")
