"""Values of PowerShell and what operators make of them (Windows PowerShell Language Specification 3.0, sections 6 and 7).

Text is `str`, a character is `Char`, numbers and truth are Python's, arrays are lists (bytes too), tables are dicts with keys in
lower case; what only a real machine has is `Unknown`. An operation with something unknown gives something unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

import regex

from kazami.detect.content.script.record import ITEMS, Ended, Meter, Unknown
from kazami.detect.content.script.tree import Node

_PATTERN_SECONDS = 0.5


class Char(str):
    """One character: a type of its own."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Block:
    """A script block or function: its parameters and body."""

    body: Node
    names: list[tuple[str, Node | None, str]] = field(default_factory=list)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Type:
    """A type by its name, lower case, without ``System.``."""

    name: str


@dataclass(slots=True, eq=False)
class Thing:
    """An object that was made of a class which is known here: a stream, an encoding, a builder of text."""

    name: str
    data: bytes = b""
    text: str = ""
    extra: Any = None


def text(value: Any) -> str:
    """As text, as PowerShell shows it within text."""
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, Unknown):
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list):
        return " ".join(text(item) for item in value)
    if isinstance(value, Block):
        return value.text
    if isinstance(value, Thing):
        return value.text or value.name
    return (
        value.name
        if isinstance(value, Type)
        else str(value)
        if isinstance(value, int)
        else "System.Collections.Hashtable"
    )


def number(value: Any) -> int | float:
    """As a number. Raises ValueError where it is none."""
    if isinstance(value, Char):
        return ord(value)
    if isinstance(value, (bool, int, float)):
        return int(value) if isinstance(value, bool) else value
    if value is None:
        return 0
    if isinstance(value, str):
        word = value.strip().lower()
        if not word:
            return 0
        return (
            int(word, 16) if word.startswith("0x") else float(word) if re.search(r"[.e]", word) else int(word)
        )
    raise ValueError("no number")


def whole(value: Any) -> int:
    """As a whole number, to the even one of two as near. Raises ValueError."""
    found = number(value)
    if abs(found) > 1 << 63:
        raise ValueError("no number of 64 bits")
    return round(found)


def truth(value: Any) -> bool:
    """As a condition."""
    if isinstance(value, list):
        return truth(value[0]) if len(value) == 1 else bool(value)
    return bool(value) if not isinstance(value, (Block, Type, Thing, Unknown, dict)) else True


def items(value: Any) -> list[Any]:
    """As an array."""
    return value if isinstance(value, list) else [] if value is None else [value]


def octets(value: Any) -> bytes:
    """As bytes. Raises ValueError where an item is no byte."""
    if isinstance(value, Thing):
        return value.data
    return bytes(whole(item) & 0xFF for item in items(value))


def binary(operator: str, left: Any, right: Any, meter: Meter) -> Any:
    """What an operator makes of two values. Raises ValueError where it cannot."""
    meter.step()
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return Unknown(f"{_label(left)}{operator}{_label(right)}"[:400])
    cased = operator.startswith("c") and operator != "contains"
    plain = operator[1:] if cased else operator
    if plain in _COMPARE:
        return _compared(plain, cased, left, right)
    return _BINARY[plain](left, right, meter, cased)


def _label(value: Any) -> str:
    return value.text if isinstance(value, Unknown) else text(value)[:200]


def _compared(operator: str, cased: bool, left: Any, right: Any) -> Any:
    check = _COMPARE[operator]
    if isinstance(left, list):
        return [item for item in left if check(item, right, cased)]
    return check(left, right, cased)


def _same(left: Any, right: Any, cased: bool) -> bool:
    if isinstance(left, str) and not isinstance(left, Char):
        return left == text(right) if cased else left.lower() == text(right).lower()
    if left is None or right is None:
        return left is right
    if isinstance(left, (Block, Thing, Type, dict)):
        return bool(left == right)
    try:
        return number(left) == number(right)
    except ValueError:
        return text(left).lower() == text(right).lower()


def _less(left: Any, right: Any) -> bool:
    if isinstance(left, str) and not isinstance(left, Char):
        return left.lower() < text(right).lower()
    return number(left) < number(right)


def _like(left: Any, right: Any, cased: bool) -> bool:
    pattern = pattern_of(translate(text(right)), cased)
    return pattern.match(text(left), timeout=_PATTERN_SECONDS) is not None


def _match(left: Any, right: Any, cased: bool) -> bool:
    return pattern_of(text(right), cased).search(text(left), timeout=_PATTERN_SECONDS) is not None


_COMPARE: dict[str, Callable[[Any, Any, bool], bool]] = {
    "eq": _same,
    "ne": lambda a, b, cased: not _same(a, b, cased),
    "lt": lambda a, b, cased: _less(a, b),
    "gt": lambda a, b, cased: _less(b, a),
    "le": lambda a, b, cased: not _less(b, a),
    "ge": lambda a, b, cased: not _less(a, b),
    "like": _like,
    "notlike": lambda a, b, cased: not _like(a, b, cased),
    "match": _match,
    "notmatch": lambda a, b, cased: not _match(a, b, cased),
}


def pattern_of(source: str, cased: bool = False) -> Any:
    """A compiled pattern of .NET's words. Raises ValueError where it is none."""
    if len(source) > 4000:
        raise ValueError("a pattern too long")
    try:
        return regex.compile(source, 0 if cased else regex.IGNORECASE)
    except regex.error as error:
        raise ValueError(f"no pattern: {error}") from error


def replaced(pattern: Any, new: str, old: str, meter: Meter) -> str:
    """`old` with every match replaced; ``$1`` and ``${name}`` are groups."""
    template = re.sub(
        r"\$(?:\{(\w+)\}|(\d+)|(&))", lambda m: f"\\g<{m[1] or m[2] or 0}>", new.replace("\\", "\\\\")
    )
    try:
        out = pattern.sub(template.replace("$$", "$"), old, timeout=_PATTERN_SECONDS)
    except (regex.error, IndexError) as error:
        raise ValueError(str(error)) from error
    meter.room(len(out))
    return str(out)


def _replace(left: Any, right: Any, meter: Meter, cased: bool) -> Any:
    given = items(right)
    pattern, new = pattern_of(text(given[0]) if given else "", cased), given[1] if len(given) > 1 else ""
    if isinstance(new, Block):
        raise ValueError("a block to replace by")
    out = [
        replaced(pattern, text(new), text(item), meter)
        for item in (left if isinstance(left, list) else [left])
    ]
    return out if isinstance(left, list) else out[0]


def _split(left: Any, right: Any, meter: Meter, cased: bool) -> list[str]:
    given = items(right)
    if given and isinstance(given[0], Block):
        raise ValueError("a block to split by")
    pattern = pattern_of(text(given[0]) if given else r"\s+", cased)
    most = max(whole(given[1]) - 1, 0) if len(given) > 1 else 0
    out: list[str] = []
    for item in items(left):
        meter.room(len(text(item)))
        out += (piece or "" for piece in pattern.split(text(item), most, timeout=_PATTERN_SECONDS))
    return out


def join(separator: str, values: list[Any], meter: Meter) -> Any:
    """All as one text; unknown where one is."""
    if any(isinstance(value, Unknown) for value in values):
        return Unknown(separator.join(_label(value) for value in values)[:400])
    meter.room(len(values))
    out = separator.join(map(text, values))
    meter.room(len(out))
    return out


def _add(left: Any, right: Any, meter: Meter, cased: bool) -> Any:
    if isinstance(left, list):
        meter.step(len(left) >> 6)
        if len(left) > ITEMS:
            raise Ended(f"an array of {len(left):,} items", "memory")
        return left + items(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    if left is None:
        return right
    if isinstance(left, str) and not (isinstance(left, Char) and isinstance(right, (int, float))):
        out = text(left) + text(right)
        meter.step(len(out) >> 12)
        if len(out) > 1 << 16:
            meter.room(len(out))
        return out
    return number(left) + number(right)


def _times(left: Any, right: Any, meter: Meter, cased: bool) -> Any:
    if isinstance(left, (str, list)) and not isinstance(left, Char):
        count = max(whole(right), 0)
        meter.room(len(left) * count)
        return left * count
    return number(left) * number(right)


def _over(left: Any, right: Any, meter: Meter, cased: bool) -> Any:
    first, second = number(left), number(right)
    if not second:
        raise ValueError("division by zero")
    return (
        first // second
        if isinstance(first, int) and isinstance(second, int) and not first % second
        else first / second
    )


def _rest(left: Any, right: Any, meter: Meter, cased: bool) -> Any:
    first, second = number(left), number(right)
    if not second:
        raise ValueError("division by zero")
    return first - second * int(first / second)


def _range(left: Any, right: Any, meter: Meter, cased: bool) -> list[int]:
    first, last = whole(left), whole(right)
    meter.room(abs(last - first))
    if abs(last - first) > ITEMS:
        raise Ended(f"an array of {abs(last - first):,} items", "memory")
    return list(range(first, last + 1)) if last >= first else list(range(first, last - 1, -1))


def _contains(left: Any, right: Any, cased: bool) -> bool:
    return any(_same(item, right, cased) for item in items(left))


def form(template: str, values: list[Any]) -> str:
    """.NET's composite formatting. Raises ValueError where a place has no value."""

    def one(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        at = int(match[1])
        if at >= len(values):
            raise ValueError("a place without a value")
        out = formatted(values[at], match[3] or "")
        width = int(match[2] or 0)
        if abs(width) > 10_000:
            raise ValueError("a width too large")
        return out.rjust(width) if width > 0 else out.ljust(-width)

    return re.sub(r"\{\{|\}\}|\{\s*(\d{1,4})\s*(?:,\s*(-?\d{1,6}))?\s*(?::([^}]*))?\}", one, template)


def formatted(value: Any, way: str) -> str:
    """A value in a standard numeric format; hexadecimal and decimal are what hides text."""
    match = re.fullmatch(r"([xXdD])(\d{0,3})", way)
    if not match or isinstance(value, str):
        return text(value)
    return format(
        whole(value) & 0xFFFFFFFFFFFFFFFF if whole(value) < 0 else whole(value), f"0{match[2] or 1}{match[1]}"
    )


_BINARY: dict[str, Callable[[Any, Any, Meter, bool], Any]] = {
    "+": _add,
    "*": _times,
    "/": _over,
    "%": _rest,
    "-": lambda a, b, m, c: number(a) - number(b),
    "..": _range,
    "f": lambda a, b, m, c: form(text(a), b if isinstance(b, list) else [b]),
    "join": lambda a, b, m, c: join(text(b), items(a), m),
    "split": _split,
    "replace": _replace,
    "band": lambda a, b, m, c: whole(a) & whole(b),
    "bor": lambda a, b, m, c: whole(a) | whole(b),
    "bxor": lambda a, b, m, c: whole(a) ^ whole(b),
    "shl": lambda a, b, m, c: whole(a) << (whole(b) & 63) & 0xFFFFFFFFFFFFFFFF,
    "shr": lambda a, b, m, c: whole(a) >> (whole(b) & 63),
    "and": lambda a, b, m, c: truth(a) and truth(b),
    "or": lambda a, b, m, c: truth(a) or truth(b),
    "xor": lambda a, b, m, c: truth(a) != truth(b),
    "contains": lambda a, b, m, c: _contains(a, b, c),
    "notcontains": lambda a, b, m, c: not _contains(a, b, c),
    "in": lambda a, b, m, c: _contains(b, a, c),
    "notin": lambda a, b, m, c: not _contains(b, a, c),
    "is": lambda a, b, m, c: isinstance(b, Type) and b.name in _NAMES.get(type(a), ()),
    "isnot": lambda a, b, m, c: not (isinstance(b, Type) and b.name in _NAMES.get(type(a), ())),
    "as": lambda a, b, m, c: cast(b.name, a, m) if isinstance(b, Type) else a,
}
_NAMES: dict[type, tuple[str, ...]] = {
    str: ("string",),
    Char: ("char",),
    int: ("int", "int32", "int64", "long"),
    list: ("array", "object[]"),
    bool: ("bool", "boolean"),
    dict: ("hashtable", "collections.hashtable"),
    Block: ("scriptblock",),
}
_WHOLE = frozenset(
    (
        "int",
        "int16",
        "int32",
        "int64",
        "long",
        "uint16",
        "uint32",
        "uint64",
        "short",
        "byte",
        "sbyte",
        "intptr",
    )
)


def cast(name: str, value: Any, meter: Meter) -> Any:
    """A value as the type of a name. Raises ValueError where it cannot be."""
    if isinstance(value, Unknown):
        return value
    if name.endswith("[]"):
        inner = name[:-2]
        if inner == "char" and isinstance(value, str):
            meter.room(len(value))
            return [Char(char) for char in value]
        meter.room(len(items(value)))
        return [cast(inner, item, meter) for item in items(value)]
    return _CASTS[name](value) if name in _CASTS else whole(value) if name in _WHOLE else value


def _char(value: Any) -> Char:
    if isinstance(value, str) and len(value) == 1:
        return Char(value)
    code = whole(value)
    if not 0 <= code <= 0xFFFF:
        raise ValueError("no character")
    return Char(chr(code))


_CASTS: dict[str, Callable[[Any], Any]] = {
    "char": _char,
    "string": lambda value: text(value),
    "bool": truth,
    "double": lambda value: float(number(value)),
    "float": lambda value: float(number(value)),
    "decimal": number,
    "array": items,
    "object": lambda value: value,
    "void": lambda value: None,
    "type": lambda value: (
        value if isinstance(value, Type) else Type(text(value).lower().removeprefix("system."))
    ),
    "regex": lambda value: Thing("regex", text=text(value)),
    "text.regularexpressions.regex": lambda value: Thing("regex", text=text(value)),
}
