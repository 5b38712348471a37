"""Functions that VBScript and VBA bring along, as far as they work on values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kazami.detect.content.script.basic.value import Thing, number, order, text, truth, whole
from kazami.detect.content.script.record import Meter, Unknown


def _char(value: Any) -> str:
    code = whole(value)
    if not -65536 < code < 65536:
        raise ValueError("no character")
    return chr(code & 0xFFFF)


def _narrow(value: Any) -> str:
    """``Chr``: of the code page, which is taken for 1252."""
    code = whole(value)
    if not 0 <= code < 256:
        raise ValueError("no character")
    return (
        bytes((code,)).decode("cp1252", "replace")
        if 0x80 <= code < 0xA0 and code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
        else chr(code)
    )


def _code(value: Any) -> int:
    said = text(value)
    if not said:
        raise ValueError("no character")
    return said[0].encode("cp1252", "replace")[0] if ord(said[0]) > 255 else ord(said[0])


def _mid(meter: Meter, value: Any, start: Any, length: Any = None) -> str:
    at = whole(start)
    if at < 1:
        raise ValueError("a place before the first")
    return text(value)[at - 1 :][: None if length is None else max(whole(length), 0)]


def _instr(meter: Meter, *given: Any) -> int:
    """The place from a start, which may be left out."""
    rest = list(given)
    start = whole(rest.pop(0)) if len(rest) > 2 or (len(rest) == 3 and not isinstance(rest[0], str)) else 1
    where, what = text(rest[0]), text(rest[1])
    if len(rest) > 2 and whole(rest[2]) == 1:
        where, what = where.lower(), what.lower()
    meter.step(len(where) >> 12)
    return where.find(what, max(start - 1, 0)) + 1


def _instrrev(meter: Meter, value: Any, what: Any, start: Any = -1, compare: Any = 0) -> int:
    where = text(value) if start is None or whole(start) < 0 else text(value)[: whole(start)]
    return where.rfind(text(what)) + 1


def _replace(
    meter: Meter, value: Any, old: Any, new: Any, start: Any = 1, count: Any = -1, compare: Any = 0
) -> str:
    said, what, by = text(value), text(old), text(new)
    if not what:
        return said
    meter.room(len(said) + said.count(what) * len(by))
    most = -1 if count is None else whole(count)
    if compare is not None and whole(compare) == 1:
        return re.sub(re.escape(what), lambda _: by, said, count=max(most, 0), flags=re.IGNORECASE)
    return said[max(whole(start or 1) - 1, 0) :].replace(what, by, most)


def _split(meter: Meter, value: Any, separator: Any = " ", count: Any = -1, compare: Any = 0) -> list[str]:
    said = text(value)
    meter.room(len(said))
    mark = text(separator) if separator is not None else " "
    most = -1 if count is None else whole(count)
    return said.split(mark, max(most - 1, -1)) if mark else [said]


def _join(meter: Meter, values: Any, separator: Any = " ") -> str:
    if not isinstance(values, list):
        raise ValueError("no array")
    meter.room(len(values))
    out = text(separator).join(map(text, values))
    meter.room(len(out))
    return out


def _repeated(meter: Meter, count: Any, char: Any) -> str:
    size = whole(count)
    meter.room(size)
    return (text(char)[:1] if isinstance(char, str) else _narrow(char)) * max(size, 0)


def _bound(meter: Meter, values: Any, dimension: Any = 1) -> int:
    if isinstance(values, bytes):
        return len(values) - 1
    if not isinstance(values, list):
        raise ValueError("no array")
    for _ in range(whole(dimension) - 1):
        values = values[0]
    return len(values) - 1


def _value(meter: Meter, value: Any) -> float | int:
    said = re.sub(r"\s+", "", text(value)).lower()
    if match := re.match(r"&h([0-9a-f]+)", said):
        return int(match[1], 16)
    match = re.match(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", said)
    found = float(match[0]) if match else 0.0
    return int(found) if found.is_integer() else found


def _hex(value: Any) -> str:
    found = whole(value)
    return format(found & 0xFFFFFFFF if found < 0 else found, "X")


def _typename(value: Any) -> str:
    names = {
        str: "String",
        bool: "Boolean",
        int: "Integer",
        float: "Double",
        list: "Variant()",
        type(None): "Empty",
        bytes: "Byte()",
    }
    return names.get(type(value), "Object")


def _escaped(value: Any) -> str:
    def one(match: re.Match[str]) -> str:
        return chr(int(match[1] or match[2], 16))

    return re.sub(r"%u([0-9a-fA-F]{4})|%([0-9a-fA-F]{2})", one, text(value))


def _converted(meter: Meter, value: Any, way: Any, locale: Any = None) -> Any:
    """``StrConv``: 64 makes text of bytes, 128 bytes of text."""
    kind = whole(way)
    if kind == 64:
        return (
            bytes(whole(one) & 255 for one in value).decode("cp1252", "replace")
            if isinstance(value, list)
            else value.decode("cp1252", "replace")
            if isinstance(value, bytes)
            else value
        )
    if kind == 128:
        return list(text(value).encode("cp1252", "replace"))
    return {1: str.upper, 2: str.lower, 3: str.title}.get(kind, str)(text(value))


def _switch(meter: Meter, *given: Any) -> Any:
    return next(
        (value for condition, value in zip(given[::2], given[1::2], strict=False) if truth(condition)), None
    )


def _filter(meter: Meter, values: Any, what: Any, include: Any = True, compare: Any = 0) -> list[Any]:
    return [one for one in values if (text(what) in text(one)) == truth(include)]


def _number(kind: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda meter, value, *rest: kind(value)


def _fixed(value: Any) -> int:
    return int(number(value))


def _floor(value: Any) -> int:
    return int(number(value) // 1)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "chr": lambda m, v: _narrow(v), "chrw": lambda m, v: _char(v), "chrb": lambda m, v: _narrow(v), "asc": lambda m, v: _code(v), "ascb": lambda m, v: _code(v),
    "ascw": lambda m, v: ord(text(v)[0]) if text(v) else 0, "len": lambda m, v: len(v) if isinstance(v, bytes) else len(text(v)), "lenb": lambda m, v: len(v) if isinstance(v, bytes) else len(text(v)) * 2,
    "mid": _mid, "midb": _mid, "left": lambda m, v, n: text(v)[: max(whole(n), 0)], "right": lambda m, v, n: text(v)[-whole(n) :] if whole(n) > 0 else "",
    "instr": _instr, "instrrev": _instrrev, "replace": _replace, "strreverse": lambda m, v: text(v)[::-1], "ucase": lambda m, v: text(v).upper(), "lcase": lambda m, v: text(v).lower(),
    "trim": lambda m, v: text(v).strip(" "), "ltrim": lambda m, v: text(v).lstrip(" "), "rtrim": lambda m, v: text(v).rstrip(" "), "split": _split, "join": _join,
    "array": lambda m, *v: list(v), "ubound": _bound, "lbound": lambda m, *v: 0, "hex": lambda m, v: _hex(v), "oct": lambda m, v: format(whole(v), "o"), "val": _value,
    "cint": _number(whole), "clng": _number(whole), "clnglng": _number(whole), "clngptr": _number(whole), "cbyte": _number(whole), "cdbl": _number(lambda v: float(number(v))), "csng": _number(lambda v: float(number(v))), "ccur": _number(number),
    "cstr": lambda m, v: text(v), "cbool": lambda m, v: truth(v), "cvar": lambda m, v: v, "int": _number(_floor), "fix": _number(_fixed), "abs": _number(lambda v: abs(number(v))),
    "sgn": _number(lambda v: (number(v) > 0) - (number(v) < 0)), "sqr": _number(lambda v: abs(number(v)) ** 0.5), "round": lambda m, v, n=0: round(number(v), min(whole(n), 20)),
    "string": _repeated, "space": lambda m, n: _repeated(m, n, " "), "isarray": lambda m, v: isinstance(v, list), "isempty": lambda m, v=None: v is None, "isnull": lambda m, v=None: False,
    "isobject": lambda m, v: isinstance(v, (Thing, Unknown)), "isnumeric": lambda m, v: _is_number(v), "typename": lambda m, v=None: _typename(v), "filter": _filter,
    "strcomp": lambda m, a, b, c=0: order(text(a), text(b)) if not whole(c) else order(text(a).lower(), text(b).lower()), "escape": lambda m, v: text(v), "unescape": lambda m, v: _escaped(v),
    "strconv": _converted, "iif": lambda m, c, a, b: a if truth(c) else b, "choose": lambda m, n, *v: v[whole(n) - 1], "switch": _switch, "rgb": lambda m, r, g, b: whole(r) | whole(g) << 8 | whole(b) << 16,
    "scriptengine": lambda m: "VBScript", "doevents": lambda m: 0, "loadpicture": lambda m, *v: Unknown("picture"),
    **{word: (lambda m, *v, word=word: Unknown(word)) for word in ("rnd", "timer", "now", "date", "time", "weekday", "year", "month", "day", "hour", "minute", "second", "inputbox", "dateadd", "datediff", "format", "dir", "curdir", "freefile")},
}  # fmt: skip

#: Constants of the languages and of the script host.
CONSTANTS: dict[str, Any] = {
    "true": True, "false": False, "nothing": None, "null": None, "empty": None, "vbcrlf": "\r\n", "vbcr": "\r", "vblf": "\n", "vbnewline": "\r\n", "vbtab": "\t", "vbnullchar": "\0",
    "vbnullstring": "", "vbhide": 0, "vbnormalfocus": 1, "vbminimizednofocus": 6, "vbtextcompare": 1, "vbbinarycompare": 0, "vbunicode": 64, "vbfromunicode": 128, "vbback": "\b", "vbformfeed": "\f", "vbverticaltab": "\v",
    "vbstring": 8, "vbarray": 8192, "vbokonly": 0, "vbcritical": 16, "vbdirectory": 16, "vbuppercase": 1, "vblowercase": 2,
}  # fmt: skip


def _is_number(value: Any) -> bool:
    try:
        number(value)
    except ValueError:
        return False
    return value is not None
