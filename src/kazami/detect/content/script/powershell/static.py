"""Static methods of .NET that make text out of other text."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from kazami.detect.content.script.powershell.value import (
    Block,
    Char,
    Thing,
    cast,
    form,
    items,
    join,
    number,
    octets,
    pattern_of,
    replaced,
    text,
    whole,
)
from kazami.detect.content.script.record import Unknown

if TYPE_CHECKING:
    from kazami.detect.content.script.powershell.machine import Machine


def block_of(machine: Machine, value: Any) -> Any:
    """Text as a block; unknown text stays so."""
    if isinstance(value, (Block, Unknown)):
        return value
    return Thing("scriptblock", text=text(value))


def one(values: list[Any]) -> Any:
    """Of a list that was put out: nothing, the one, or all."""
    return values[0] if len(values) == 1 else values or None


def _unbase64(value: Any) -> list[int]:
    """Base64 as .NET reads it: white space is left out. Raises ValueError."""
    try:
        return list(base64.b64decode(re.sub(r"\s+", "", text(value)), validate=True))
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _to_int(machine: Machine, given: list[Any]) -> int:
    return (
        int(text(given[0]), whole(given[1]))
        if len(given) > 1 and whole(given[1]) in (2, 8, 10, 16)
        else whole(given[0])
    )


def _to_text(machine: Machine, given: list[Any]) -> str:
    if len(given) > 1 and whole(given[1]) in (2, 8, 16):
        return format(whole(given[0]), {2: "b", 8: "o", 16: "x"}[whole(given[1])])
    return text(given[0])


def matches(machine: Machine, given: list[Any]) -> Any:
    """Every match of a pattern in a text, from the right where that is asked for. Raises ValueError, TimeoutError."""
    found = list(pattern_of(text(given[1]), True).finditer(text(given[0]), timeout=0.5))
    machine.meter.room(len(found))
    if any("righttoleft" in text(one).lower() for one in given[2:]):
        found.reverse()
    return [
        Thing(
            "match",
            text=one[0],
            extra=[Thing("match", text=one[at] or "") for at in range(min(one.re.groups, 20) + 1)],
        )
        for one in found
    ]


def regex_replace(machine: Machine, given: list[Any]) -> Any:
    """Every match replaced by a text or by what a block makes of it. Raises ValueError, TimeoutError."""
    pattern = pattern_of(text(given[1]), True)
    block = given[2]
    if not isinstance(block, Block):
        return replaced(pattern, text(block), text(given[0]), machine.meter)
    return pattern.sub(
        lambda match: text(one(machine.invoke(block, [Thing("match", text=match[0])]))), text(given[0])
    )


def _regex_split(machine: Machine, given: list[Any]) -> Any:
    return [
        one for one in pattern_of(text(given[1]), True).split(text(given[0]), timeout=0.5) if one is not None
    ]


def _read(machine: Machine, given: list[Any]) -> str:
    return machine.files[text(given[0]).strip("'\"").lower()]


def _write(machine: Machine, given: list[Any]) -> Unknown:
    machine.files[text(given[0]).lower()] = "\r\n".join(map(text, items(given[1])))
    machine.record.call("[io.file]::write", *given)
    return Unknown("written")


def _numbers(machine: Machine, given: list[Any]) -> list[int]:
    """The bytes of a number, of 32 bits unless it is larger."""
    value = whole(given[0])
    size = 4 if -(1 << 31) <= value < 1 << 32 else 8
    return list((value % (1 << size * 8)).to_bytes(size, "little"))


def _reversed(machine: Machine, given: list[Any]) -> None:
    if isinstance(given[0], list):
        given[0].reverse()


STATIC_METHODS: dict[tuple[str, str], Callable[[Machine, list[Any]], Any]] = {
    ("convert", "frombase64string"): lambda m, g: _unbase64(g[0]),
    ("convert", "frombase64chararray"): lambda m, g: _unbase64(join("", items(g[0]), m.meter)),
    ("convert", "tobase64string"): lambda m, g: base64.b64encode(octets(g[0])).decode("ascii"),
    ("convert", "toint32"): _to_int,
    ("convert", "toint16"): _to_int,
    ("convert", "toint64"): _to_int,
    **{("convert", name): _to_int for name in ("tobyte", "tosbyte", "touint16", "touint32", "touint64")},
    ("convert", "tochar"): lambda m, g: cast("char", g[0], m.meter),
    ("convert", "tostring"): _to_text,
    ("string", "join"): lambda m, g: join(text(g[0]), items(g[1]) if len(g) == 2 else g[1:], m.meter),
    ("string", "concat"): lambda m, g: join("", items(g[0]) if len(g) == 1 else g, m.meter),
    ("string", "format"): lambda m, g: _format(g),
    ("string", "new"): lambda m, g: join("", items(g[0]), m.meter),
    ("string", "isnullorempty"): lambda m, g: not text(g[0]),
    ("array", "reverse"): _reversed,
    ("char", "convertfromutf32"): lambda m, g: chr(whole(g[0]) & 0x1FFFFF),
    ("char", "toupper"): lambda m, g: Char(text(g[0]).upper()[:1]),
    ("char", "tolower"): lambda m, g: Char(text(g[0]).lower()[:1]),
    ("regex", "replace"): regex_replace,
    ("regex", "matches"): matches,
    ("regex", "match"): lambda m, g: (matches(m, g) or [Thing("match")])[0],
    ("regex", "split"): _regex_split,
    ("regex", "unescape"): lambda m, g: re.sub(
        r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(\W))",
        lambda f: f[3] or chr(int(f[1] or f[2], 16)),
        text(g[0]),
    ),
    ("regex", "escape"): lambda m, g: re.escape(text(g[0])),
    ("math", "abs"): lambda m, g: abs(number(g[0])),
    ("math", "floor"): lambda m, g: number(g[0]) // 1,
    ("math", "round"): lambda m, g: whole(g[0]),
    ("math", "max"): lambda m, g: max(number(g[0]), number(g[1])),
    ("math", "min"): lambda m, g: min(number(g[0]), number(g[1])),
    ("bitconverter", "getbytes"): _numbers,
    ("bitconverter", "toint32"): lambda m, g: int.from_bytes(
        octets(g[0])[whole(g[1]) :][:4], "little", signed=True
    ),
    ("io.file", "readalltext"): _read,
    ("io.file", "readalllines"): lambda m, g: _read(m, g).splitlines(),
    ("io.file", "readallbytes"): lambda m, g: list(_read(m, g).encode("latin-1", "replace")),
    **{("io.file", name): _write for name in ("writealltext", "writealllines")},
    ("bitconverter", "tostring"): lambda m, g: octets(g[0]).hex("-").upper(),
    ("environment", "getenvironmentvariable"): lambda m, g: m.environment.get(text(g[0]).lower()),
    ("environment", "getfolderpath"): lambda m, g: f"%{text(g[0])}%",
    ("io.path", "gettemppath"): lambda m, g: text(m.environment.get("temp")) + "\\",
    ("io.path", "combine"): lambda m, g: "\\".join(text(one).strip("\\") for one in g),
    ("uri", "unescapedatastring"): lambda m, g: unquote(text(g[0])),
    ("net.webutility", "urldecode"): lambda m, g: unquote(text(g[0])),
    ("net.webutility", "htmldecode"): lambda m, g: html.unescape(text(g[0])),
    ("scriptblock", "create"): lambda m, g: block_of(m, g[0]),
    ("management.automation.scriptblock", "create"): lambda m, g: block_of(m, g[0]),
    ("linq.enumerable", "reverse"): lambda m, g: items(g[0])[::-1],
}


def _format(given: list[Any]) -> str:
    return form(text(given[0]), items(given[1]) if len(given) == 2 else given[1:])
