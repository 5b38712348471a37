"""Values of VBScript and VBA, and what operators make of them (MS-VBAL 5.6.9).

Nothing is `None`, an array a list, an object a `Thing`; what only a real machine has is `Unknown`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

from kazami.detect.content.script.record import TEXT, Ended, Meter, Unknown


@dataclass(slots=True, eq=False)
class Thing:
    """An object by the name that it was made by, with what was put into it."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    data: bytes = b""
    text: str = ""


def text(value: Any) -> str:
    """As text. Raises ValueError where it has none."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, Unknown):
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, bytes):
        return value.decode("utf-16-le", "replace")
    if isinstance(value, (list, Thing)):
        raise ValueError("no text")
    return str(value)


def number(value: Any) -> int | float:
    """As a number. Raises ValueError."""
    if isinstance(value, bool):
        return -1 if value else 0
    if isinstance(value, (int, float)):
        return value
    if value is None:
        return 0
    if isinstance(value, str):
        plain = value.strip().lower()
        if plain.startswith("&h"):
            return int(plain[2:].rstrip("&"), 16)
        return int(plain) if re.fullmatch(r"[+-]?\d{1,40}", plain) else float(plain)
    raise ValueError("no number")


def whole(value: Any) -> int:
    """As a whole number, the even one of two as near. Raises ValueError."""
    found = number(value)
    if abs(found) > 1 << 63:
        raise ValueError("no whole number")
    return round(found)


def truth(value: Any) -> bool:
    """As a condition."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false", "0")
    return bool(value) if not isinstance(value, (Thing, list)) else True


def binary(operator: str, left: Any, right: Any, meter: Meter) -> Any:
    """What an operator makes of two values. Raises ValueError where it cannot."""
    meter.step()
    if isinstance(left, Thing) and "text" in left.fields:
        left = left.fields["text"]
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return Unknown(f"{_label(left)}{'' if operator in '&+' else operator}{_label(right)}"[:400])
    return _BINARY[operator](left, right, meter)


def _label(value: Any) -> str:
    if isinstance(value, Unknown):
        return value.text
    return str(value)[:200]


def _joined(left: Any, right: Any, meter: Meter) -> str:
    out = text(left) + text(right)
    meter.step(len(out) >> 12)
    if len(out) > 1 << 16:
        meter.room(len(out))
    return out


def _plus(left: Any, right: Any, meter: Meter) -> Any:
    if isinstance(left, (str, type(None))) and isinstance(right, (str, type(None))) and (left or right):
        return _joined(left, right, meter)
    return number(left) + number(right)


def _power(left: Any, right: Any, meter: Meter) -> float:
    base, exponent = float(number(left)), float(number(right))
    return float(base**exponent)


def _over(left: Any, right: Any) -> float:
    if not number(right):
        raise ValueError("division by zero")
    return number(left) / number(right)


def _whole_over(left: Any, right: Any, rest: bool) -> int:
    first, second = whole(left), whole(right)
    if not second:
        raise ValueError("division by zero")
    quotient = abs(first) // abs(second) * (1 if (first < 0) == (second < 0) else -1)
    return first - quotient * second if rest else quotient


def _logic(way: Callable[[int, int], int]) -> Callable[[Any, Any, Meter], Any]:
    def made(left: Any, right: Any, meter: Meter) -> Any:
        out = way(whole(left), whole(right))
        return bool(out) if isinstance(left, bool) and isinstance(right, bool) else out

    return made


def order(left: Any, right: Any) -> int:
    """-1, 0 or 1. Raises ValueError."""
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if left is None and isinstance(right, str):
        return order("", right)
    if right is None and isinstance(left, str):
        return order(left, "")
    first, second = number(left), number(right)
    return (first > second) - (first < second)


_BINARY: dict[str, Callable[[Any, Any, Meter], Any]] = {
    "&": _joined,
    "+": _plus,
    "-": lambda a, b, m: number(a) - number(b),
    "*": lambda a, b, m: number(a) * number(b),
    "/": lambda a, b, m: _over(a, b),
    "\\": lambda a, b, m: _whole_over(a, b, False),
    "mod": lambda a, b, m: _whole_over(a, b, True),
    "^": _power,
    "xor": _logic(lambda a, b: a ^ b),
    "and": _logic(lambda a, b: a & b),
    "or": _logic(lambda a, b: a | b),
    "eqv": _logic(lambda a, b: ~(a ^ b)),
    "imp": _logic(lambda a, b: ~a | b),
    "=": lambda a, b, m: order(a, b) == 0,
    "<>": lambda a, b, m: order(a, b) != 0,
    "><": lambda a, b, m: order(a, b) != 0,
    "<": lambda a, b, m: order(a, b) < 0,
    ">": lambda a, b, m: order(a, b) > 0,
    "<=": lambda a, b, m: order(a, b) <= 0,
    "=<": lambda a, b, m: order(a, b) <= 0,
    ">=": lambda a, b, m: order(a, b) >= 0,
    "=>": lambda a, b, m: order(a, b) >= 0,
    "is": lambda a, b, m: a is b,
    "like": lambda a, b, m: (
        re.fullmatch(translate(text(b).replace("#", "[0-9]"))[:2000], text(a)[:2000]) is not None
    ),
}


def array(sizes: list[int]) -> list[Any]:
    """An array of these upper bounds. Raises Ended where it is too large."""
    count = 1
    for size in sizes:
        count *= max(size + 1, 0)
    if count > TEXT >> 3:
        raise Ended(f"an array of {count:,} items", "memory")
    if not sizes:
        return []
    if len(sizes) == 1:
        return [None] * (sizes[0] + 1)
    return [array(sizes[1:]) for _ in range(sizes[0] + 1)]
