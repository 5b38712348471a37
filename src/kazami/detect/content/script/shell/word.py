"""Words of the shell expanded: quotes, variables and what is done with them, commands within, sums, braces (POSIX.1-2017, 2.6; bash)."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase, translate
from typing import TYPE_CHECKING, Any

import regex

from kazami.detect.content.script.batch.text import arithmetic
from kazami.detect.content.script.record import TEXT, Ended

if TYPE_CHECKING:
    from kazami.detect.content.script.shell.machine import Machine

_WORDS = 20_000

#: Stands where text would be that only a real machine has.
UNKNOWN = "\ue000"
#: Follows it where the text was fetched.
FETCHED = "\ue001"

_PLAIN = re.compile(r"[\w./:=@%+,-]*\Z")
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_PARAMETER = re.compile(
    r"(?P<mark>[!#]?)(?P<name>[A-Za-z_]\w*|[0-9]+|[@*#?$!-])(?:\[(?P<index>[^\]]{1,200})\])?(?P<rest>.*)\Z",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|0?([0-7]{1,3})|(.))", re.DOTALL
)
_LETTERS = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "v": "\v",
    "c": "",
}
_BRACES = re.compile(r"(?<!\$)\{([^{}\s'\"$`]*,[^{}\s'\"$`]*|-?\d+\.\.-?\d+|\w\.\.\w)\}")
_STEP = re.compile(r"\s*([A-Za-z_]\w*)\s*(\+\+|--|[-+*/%^|&]?=(?!=))\s*(.*)\Z", re.DOTALL)
_COMPARED = re.compile(r"(.*?)(<=|>=|==|!=|<(?!<)|>(?!>))(.*)\Z", re.DOTALL)


def unescaped(text: str) -> str:
    r"""``\x41``, ``\101``, ``\n`` as ``printf`` and ``$'...'`` read them."""

    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code:
            return chr(min(int(code, 16), 0x10FFFF))
        return (
            chr(int(match[4], 8) & 255)
            if match[4]
            else _LETTERS.get(match[5], match[0] if match[5].isalnum() else match[5])
        )

    return _ESCAPE.sub(one, text)


def expanded(machine: Machine, raw: str) -> list[str]:
    """The words that one word comes to."""
    machine.meter.step(1 + (len(raw) >> 6))
    if _PLAIN.match(raw):
        return [raw]
    out: list[str] = []
    for part in _braced(raw, machine):
        fields = _Fields()
        _through(machine, part, fields, False)
        out += fields.done()
    if out != [raw]:
        machine.changed += 1
    return out


def text(machine: Machine, raw: str) -> str:
    """A word as one text, not split."""
    fields = _Fields()
    _through(machine, raw, fields, True)
    return "".join(fields.parts)


class _Fields:
    """Words in the making."""

    def __init__(self) -> None:
        self.parts: list[str] = [""]
        self.kept = False

    def add(self, value: str) -> None:
        self.parts[-1] += value

    def split(self, value: str) -> None:
        """A value outside of quotes: its blanks part words."""
        pieces = re.split(r"[ \t\n]+", value)
        self.parts[-1] += pieces[0]
        self.parts += pieces[1:]

    def done(self) -> list[str]:
        return [part for part in self.parts if part] or ([""] if self.kept else [])


def _braced(raw: str, machine: Machine) -> list[str]:
    out, turns = [raw], 0
    while turns < 64 and any(match := _BRACES.search(one) for one in out):
        turns += 1
        made: list[str] = []
        for one in out:
            match = _BRACES.search(one)
            if match is None:
                made.append(one)
                continue
            made += [one[: match.start()] + choice + one[match.end() :] for choice in _choices(match[1])]
        machine.meter.step(len(made))
        if len(made) > _WORDS or sum(map(len, made)) > TEXT:
            raise Ended("too much text comes out", "memory")
        out = made
    return out


def _choices(inner: str) -> list[str]:
    first, dots, last = inner.partition("..")
    if not dots or "," in inner:
        return inner.split(",")
    if first.lstrip("-").isdigit() and last.lstrip("-").isdigit():
        a, b = int(first), int(last)
        return [str(n) for n in range(a, b + (1 if b >= a else -1), 1 if b >= a else -1)[:2000]]
    a, b = ord(first), ord(last)
    return [chr(n) for n in range(a, b + (1 if b >= a else -1), 1 if b >= a else -1)]


def _through(machine: Machine, raw: str, fields: _Fields, quoted: bool) -> None:
    """Expand `raw` into `fields`; `quoted` where nothing is split."""
    at = 0
    put = fields.add if quoted else fields.split
    while at < len(raw):
        char = raw[at]
        if char == "\\":
            fields.add("" if raw[at + 1 : at + 2] == "\n" else raw[at + 1 : at + 2])
            at += 2
        elif char == "'":
            end = raw.find("'", at + 1)
            end = len(raw) if end < 0 else end
            fields.add(raw[at + 1 : end])
            fields.kept, at = True, end + 1
        elif char == '"':
            at = _double(machine, raw, at + 1, fields)
        elif char == "$" and raw[at + 1 : at + 2] == "'":
            match = re.compile(r"((?:[^'\\]|\\.)*)", re.DOTALL).match(raw, at + 2)
            fields.add(unescaped(match[1]) if match else "")
            fields.kept, at = True, (match.end() if match else at) + 1
        elif char in "$`":
            value, at = _dollar(machine, raw, at)
            put(value)
        elif char in "<>" and raw[at + 1 : at + 2] == "(":
            end = _close(raw, at + 1)
            fields.add(machine.kept(machine.output(raw[at + 2 : end - 1])))
            at = end
        else:
            fields.add(char)
            at += 1


def _double(machine: Machine, raw: str, at: int, fields: _Fields) -> int:
    fields.kept = True
    while at < len(raw) and raw[at] != '"':
        if raw[at] == "\\" and raw[at + 1 : at + 2] in ("$", "`", '"', "\\", "\n"):
            fields.add("" if raw[at + 1] == "\n" else raw[at + 1])
            at += 2
        elif raw[at] in "$`":
            value, at = _dollar(machine, raw, at)
            fields.add(value)
        else:
            fields.add(raw[at])
            at += 1
    return at + 1


def _close(raw: str, at: int) -> int:
    """Behind what closes the parenthesis or brace at `at`."""
    from kazami.detect.content.script.shell.parse import Parser

    return Parser(raw)._closed(at, raw[at], ")" if raw[at] == "(" else "}")


def _dollar(machine: Machine, raw: str, at: int) -> tuple[str, int]:
    """What begins with ``$`` or a backtick at `at`, and where it ends."""
    if raw[at] == "`":
        end = re.compile(r"((?:[^`\\]|\\.)*)`?", re.DOTALL).match(raw, at + 1)
        inner = re.sub(r"\\([`\\$])", r"\1", end[1]) if end else ""
        return machine.output(inner), end.end() if end else len(raw)
    if raw.startswith("$((", at):
        end_at = _close(raw, at + 1)
        return str(total(machine, raw[at + 3 : end_at - 2])), end_at
    if raw.startswith("$(", at):
        end_at = _close(raw, at + 1)
        return machine.output(raw[at + 2 : end_at - 1]), end_at
    if raw.startswith("${", at):
        end_at = _close(raw, at + 1)
        return _parameter(machine, raw[at + 2 : end_at - 1]), end_at
    name = _NAME.match(raw, at + 1)
    if name is None:
        return "$", at + 1
    return machine.get(name[0]), name.end()


def _parameter(machine: Machine, inner: str) -> str:
    match = _PARAMETER.match(inner)
    if match is None:
        return UNKNOWN
    name, index, rest = match["name"], match["index"], match["rest"]
    held = machine.variables.get(name)
    if match["mark"] == "!" and not rest.startswith(("*", "@")):
        if index in ("@", "*"):
            return " ".join(map(str, held if isinstance(held, dict) else range(len(held or []))))
        name = machine.get(name)
        held = machine.variables.get(name)
    value = _held(machine, name, held, index)
    if match["mark"] == "#":
        return str(len(held) if index in ("@", "*") and isinstance(held, (list, dict)) else len(value))
    return _changed(machine, name, value, rest, held if index in ("@", "*") else None) if rest else value


def _held(machine: Machine, name: str, held: Any, index: str | None) -> str:
    if index is None:
        return machine.get(name)
    if index in ("@", "*"):
        return " ".join(
            held.values()
            if isinstance(held, dict)
            else held
            if isinstance(held, list)
            else [machine.get(name)]
        )
    if isinstance(held, dict):
        return str(held.get(text(machine, index), ""))
    at = total(machine, index)
    if isinstance(held, list):
        return held[at] if -len(held) <= at < len(held) else ""
    return machine.get(name) if at == 0 else ""


def _changed(machine: Machine, name: str, value: str, rest: str, held: Any) -> str:
    """``:1:2``, ``#a``, ``%b``, ``/c/d``, ``^^``, ``:-e`` of a variable's value."""
    if rest[:1] in "-=+?" or rest[:2] in (":-", ":=", ":+", ":?"):
        sign, other = rest.lstrip(":")[:1], rest.lstrip(":")[1:]
        if sign == "+":
            return text(machine, other) if value else ""
        if not value and sign in "-=":
            value = text(machine, other)
            if sign == "=":
                machine.variables[name] = value
        return value
    if rest.startswith(":"):
        first, _, length = rest[1:].partition(":")
        begin = total(machine, first)
        size = total(machine, length) if length else None
        parts: Any = list(held) if isinstance(held, list) else value
        begin = max(len(parts) + begin, 0) if begin < 0 else begin
        piece = parts[begin:][:size] if size is None or size >= 0 else parts[begin:size]
        return piece if isinstance(piece, str) else " ".join(piece)
    if rest[0] in "^,":
        way = str.upper if rest[0] == "^" else str.lower
        return way(value) if rest[:2] in ("^^", ",,") else way(value[:1]) + value[1:]
    if rest[0] in "#%":
        return _trimmed(value, text(machine, rest.lstrip(rest[0])), rest[0], rest[:2] == rest[0] * 2)
    if rest[0] == "/":
        old, _, new = re.sub(r"\A//?", "", rest).partition("/")
        return _replaced(machine, value, text(machine, old), text(machine, new), rest.startswith("//"))
    return value


def _trimmed(value: str, pattern: str, side: str, most: bool) -> str:
    sizes = range(min(len(value), 4096) + 1)
    for size in reversed(sizes) if most else sizes:
        part = value[:size] if side == "#" else value[len(value) - size :]
        if fnmatchcase(part, pattern):
            return value[size:] if side == "#" else value[: len(value) - size]
    return value


def _replaced(machine: Machine, value: str, old: str, new: str, every: bool) -> str:
    if not old:
        return value
    if not set(old) & set("*?["):
        machine.meter.room(len(value) + value.count(old) * len(new))
        return value.replace(old, new) if every else value.replace(old, new, 1)
    pattern = regex.compile(translate(old).removesuffix(r"\Z"))
    return str(pattern.sub(lambda _: new, value, count=0 if every else 1, timeout=0.5))


def total(machine: Machine, source: str) -> int:
    """A sum, with what it sets; 0 where it is none."""
    machine.meter.step()
    if match := _STEP.match(source):
        name, sign, rest = match.groups()
        before = machine.get(name)
        value = _number(machine, before) if sign != "=" else 0
        if sign in ("++", "--"):
            machine.variables[name] = str(value + (1 if sign == "++" else -1))
            return value
        other = total(machine, rest)
        value = other if sign == "=" else arithmetic(f"{value}{sign[0]}({other})") or 0
        machine.variables[name] = str(value)
        return value
    if match := _COMPARED.match(source):
        left, right = total(machine, match[1]), total(machine, match[3])
        ways = {
            "<": left < right,
            ">": left > right,
            "<=": left <= right,
            ">=": left >= right,
            "==": left == right,
            "!=": left != right,
        }
        return int(ways[match[2]])
    return _number(machine, text(machine, source))


def _number(machine: Machine, source: str) -> int:
    plain = re.sub(
        r"\b([A-Za-z_]\w*)\b(?!#)",
        lambda m: m[0] if m[0].startswith("0x") else machine.get(m[1]) or "0",
        source,
    )
    plain = re.sub(
        r"\b(\d+)#(\w+)", lambda m: str(int(m[2], int(m[1]))) if 1 < int(m[1]) < 37 else "0", plain
    )
    plain = re.sub(r"(?<![\w.])0+(?=[0-7]+\b)", "0o", plain)
    return arithmetic(plain) or 0
