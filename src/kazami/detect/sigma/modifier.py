"""Value modifiers: what ``contains``, ``base64offset`` or ``hour`` make of a value, in the order written.

A modifier takes one `Value` and gives its alternatives, of which any is enough. What changes the whole list
(``all``, ``neq``, ``expand``) is in `detection`. Sigma specification 2.1, appendix modifiers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

from kazami.detect.sigma import encoding
from kazami.detect.sigma.expression import ANY, DASH, DASHES, Op
from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.pattern import Parts, normal, plain_text, with_dashes
from kazami.detect.sigma.value import network, number

_MOST_VARIANTS = 625  # spellings of one value before it is encoded: four dashes
_MOST_MODIFIERS = 10  # of one field: encodings make values longer each time

#: Parts of a time and the numbers they can have.
TIME_PARTS: dict[str, tuple[int, int]] = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day": (1, 31),
    "week": (1, 53),
    "month": (1, 12),
    "year": (1, 9999),
}


class Value(NamedTuple):
    """A value on its way to a predicate: op and arg as in `expression`, but for ``raw``: text not yet read.

    `encoded` says that the characters of the text stand for bytes.
    """

    op: Op | str
    arg: Any
    cased: bool = False
    encoded: bool = False


Modifier = Callable[[Value], list[Value]]


def _text(value: Value, name: str) -> Parts:
    """The parts of a value of text; numbers are taken as written."""
    if value.op == "match":
        return tuple(value.arg)
    if value.op == "number":
        return (str(value.arg),)
    kinds = {"null": "null", "re": "a regular expression", "raw": "a regular expression (write `re` first)"}
    raise Fault(f"'{name}' cannot follow {kinds.get(value.op, value.op)}")


def _literal(value: Value, name: str) -> str:
    text = plain_text(_text(value, name))
    if text is None:
        raise Fault(f"'{name}' takes no wildcards")
    return text


def _around(name: str, before: bool, after: bool) -> Modifier:
    def modify(value: Value) -> list[Value]:
        if value.op == "ref":
            other, how = value.arg
            if how != "eq":
                raise Fault(f"'{name}' cannot follow '{how}' of a field reference")
            return [value._replace(arg=(other, name))]
        parts: Parts = _text(value, name)
        parts = (ANY, *parts) if before else parts
        return [value._replace(op="match", arg=normal((*parts, ANY) if after else parts))]

    return modify


def _cased(value: Value) -> list[Value]:
    if value.op in ("re", "cidr", "number"):
        return [value]  # these know no case
    if value.op == "ref":
        return [value._replace(cased=True)]
    return [value._replace(op="match", arg=_text(value, "cased"), cased=True)]


def _windash(value: Value) -> list[Value]:
    return [value._replace(op="match", arg=with_dashes(_text(value, "windash")))]


def _spellings(value: Value, name: str) -> list[str]:
    """The texts of a value that has to be encoded; every dash in each of its forms."""
    parts = _text(value, name)
    if len(DASHES) ** parts.count(DASH) > _MOST_VARIANTS:
        raise Fault(f"'{name}' after 'windash' with more than four dashes: too many spellings")
    choices = [DASHES if part == DASH and isinstance(part, int) else (part,) for part in parts]
    texts = [plain_text(normal(choice)) for choice in product(*choices)]
    if None in texts:
        raise Fault(f"'{name}' takes no wildcards")
    return [text for text in texts if text is not None]


def _encoded(name: str, encode: Callable[[str], bytes]) -> Modifier:
    def modify(value: Value) -> list[Value]:
        if value.encoded:
            raise Fault(f"'{name}' cannot follow another encoding")
        return [
            Value("match", normal([encode(text).decode("latin-1")]), value.cased, encoded=True)
            for text in _spellings(value, name)
        ]

    return modify


def _based(name: str, variants: Callable[[bytes], list[str]]) -> Modifier:
    def modify(value: Value) -> list[Value]:
        charset = "latin-1" if value.encoded else "utf-8"
        codes = [code for text in _spellings(value, name) for code in variants(text.encode(charset))]
        if "" in codes:
            raise Fault(f"'{name}' of a value too short to be found at every offset")
        return [Value("match", (code,), cased=True) for code in codes]

    return modify


def _re(value: Value) -> list[Value]:
    if value.op != "raw":
        raise Fault("'re' takes a value that no other modifier has changed")
    return [Value("re", (value.arg, ""))]


def _flag(name: str, flag: str) -> Modifier:
    def modify(value: Value) -> list[Value]:
        if value.op != "re":
            raise Fault(f"'{name}' is for regular expressions: write it after 're'")
        pattern, flags = value.arg
        return [Value("re", (pattern, "".join(sorted({*flags, flag}))))]

    return modify


def _cidr(value: Value) -> list[Value]:
    text = _literal(value, "cidr").strip()
    try:
        return [Value("cidr", str(network(text)))]
    except ValueError as error:
        raise Fault(f"'cidr' of what is no network: {error}") from error


def _exists(value: Value) -> list[Value]:
    words = {"true": True, "yes": True, "false": False, "no": False}
    text = plain_text(value.arg) if value.op == "match" and not value.cased else None
    if text is None or text.lower() not in words:
        raise Fault("'exists' takes true or false, and nothing else")
    return [Value("exists", words[text.lower()])]


def numeric(value: Value, name: str) -> int | float:
    """The number of a value, also where it was written in quotes."""
    if value.op == "number":
        return value.arg  # type: ignore[no-any-return]
    text = plain_text(value.arg) if value.op == "match" and not value.encoded else None
    found = number(text) if text is not None else None
    if found is None or not math.isfinite(found):
        raise Fault(f"'{name}' takes a number")
    return found


def _compare(op: str) -> Modifier:
    def modify(value: Value) -> list[Value]:
        if value.op != "time":
            return [Value(op, numeric(value, op))]
        part, comparison, limit = value.arg
        if comparison != "eq":
            raise Fault(f"'{op}' cannot follow '{comparison}'")
        return [Value("time", (part, op, limit))]

    return modify


def _time(part: str) -> Modifier:
    def modify(value: Value) -> list[Value]:
        found = numeric(value, part) if value.op in ("number", "match") else None
        if found is None or found != int(found):
            raise Fault(f"'{part}' takes a whole number; comparisons come after it, as in '{part}|gte'")
        return [Value("time", (part, "eq", int(found)))]

    return modify


def _fieldref(value: Value) -> list[Value]:
    if value.encoded:
        raise Fault("'fieldref' takes the name of a field")
    return [Value("ref", (_literal(value, "fieldref"), "eq"), value.cased)]


MODIFIERS: dict[str, Modifier] = {
    "contains": _around("contains", before=True, after=True),
    "startswith": _around("startswith", before=False, after=True),
    "endswith": _around("endswith", before=True, after=False),
    "cased": _cased,
    "windash": _windash,
    "utf16le": _encoded("utf16le", encoding.utf16le),
    "wide": _encoded("wide", encoding.utf16le),
    "utf16be": _encoded("utf16be", encoding.utf16be),
    "utf16": _encoded("utf16", encoding.utf16),
    "base64": _based("base64", encoding.base64),
    "base64offset": _based("base64offset", encoding.base64offset),
    "re": _re,
    "i": _flag("i", "i"),
    "ignorecase": _flag("ignorecase", "i"),
    "m": _flag("m", "m"),
    "multiline": _flag("multiline", "m"),
    "s": _flag("s", "s"),
    "dotall": _flag("dotall", "s"),
    "cidr": _cidr,
    "exists": _exists,
    "fieldref": _fieldref,
    **{op: _compare(op) for op in ("lt", "lte", "gt", "gte")},
    **{part: _time(part) for part in TIME_PARTS},
}

#: Modifiers of the whole list of values.
LIST_MODIFIERS = frozenset({"all", "neq", "expand"})


def apply(value: Value, names: list[str]) -> list[Value]:
    """The alternatives that `names`, in their order, make of a value. Raises `Fault`."""
    if len(names) > _MOST_MODIFIERS:
        raise Fault(f"{len(names)} modifiers; at most {_MOST_MODIFIERS} make sense")
    values = [value]
    for name in names:
        if name not in LIST_MODIFIERS:
            modify = MODIFIERS[name]
            values = [result for each in values for result in modify(each)]
    return values
