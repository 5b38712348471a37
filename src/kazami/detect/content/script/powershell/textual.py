"""Methods of text in PowerShell, as .NET has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kazami.detect.content.script.powershell.value import Char, cast, items, number, text, whole
from kazami.detect.content.script.record import Unknown

if TYPE_CHECKING:
    from kazami.detect.content.script.powershell.machine import Machine


def item(value: Any, index: Any) -> Any:
    """``value[index]``; several where `index` is an array. Raises ValueError, LookupError."""
    if isinstance(value, Unknown) or isinstance(index, Unknown):
        return Unknown("an item that is not known")
    if isinstance(value, dict):
        return value.get(text(index).lower())
    if isinstance(index, list):
        return [item(value, one) for one in index]
    at = whole(index)
    if isinstance(value, str):
        return Char(value[at]) if -len(value) <= at < len(value) else None
    every = items(value)
    return every[at] if -len(every) <= at < len(every) else None


def _split(machine: Machine, value: str, given: list[Any]) -> list[str]:
    marks = given[0] if given else " "
    skip = len(given) > 1 and "removeempty" in text(given[-1]).lower()
    pieces = "|".join(re.escape(text(mark)) for mark in items(marks) if text(mark))
    single = isinstance(marks, str) and len(marks) > 1  # each of its characters separates
    pattern = f"[{re.escape(marks)}]" if single else pieces
    found = re.split(pattern, value) if pattern else [value]
    machine.meter.step(len(found) >> 4)
    return [piece for piece in found if piece or not skip]


def _substring(machine: Machine, value: str, given: list[Any]) -> str:
    at = whole(given[0])
    return value[at : at + whole(given[1])] if len(given) > 1 else value[at:]


def _replaced(machine: Machine, value: str, given: list[Any]) -> str:
    old, new = text(given[0]), text(given[1])
    if not old:
        raise ValueError("nothing to replace")
    machine.meter.room(len(value) + value.count(old) * len(new))
    return value.replace(old, new)


def _removed(machine: Machine, value: str, given: list[Any]) -> str:
    at = whole(given[0])
    return value[:at] + (value[at + whole(given[1]) :] if len(given) > 1 else "")


def _padded(machine: Machine, value: str, given: list[Any], left: bool) -> str:
    width = whole(given[0])
    machine.meter.room(width)
    filling = text(given[1])[:1] if len(given) > 1 else " "
    return value.rjust(width, filling or " ") if left else value.ljust(width, filling or " ")


def _chars(given: list[Any]) -> str | None:
    return "".join(map(text, given)) or None


TEXT_METHODS: dict[str, Callable[[Machine, str, list[Any]], Any]] = {
    "tochararray": lambda m, v, g: cast("char[]", v, m.meter),
    "replace": _replaced,
    "split": _split,
    "substring": _substring,
    "remove": _removed,
    "insert": lambda m, v, g: v[: whole(g[0])] + text(g[1]) + v[whole(g[0]) :],
    "tolower": lambda m, v, g: v.lower(),
    "toupper": lambda m, v, g: v.upper(),
    "tolowerinvariant": lambda m, v, g: v.lower(),
    "toupperinvariant": lambda m, v, g: v.upper(),
    "trim": lambda m, v, g: v.strip(_chars(g)),
    "trimstart": lambda m, v, g: v.lstrip(_chars(g)),
    "trimend": lambda m, v, g: v.rstrip(_chars(g)),
    "padleft": lambda m, v, g: _padded(m, v, g, True),
    "padright": lambda m, v, g: _padded(m, v, g, False),
    "startswith": lambda m, v, g: v.startswith(text(g[0])),
    "endswith": lambda m, v, g: v.endswith(text(g[0])),
    "contains": lambda m, v, g: text(g[0]) in v,
    "indexof": lambda m, v, g: v.find(text(g[0])),
    "lastindexof": lambda m, v, g: v.rfind(text(g[0])),
    "tostring": lambda m, v, g: v,
    "normalize": lambda m, v, g: v,
    "getenumerator": lambda m, v, g: cast("char[]", v, m.meter),
    "chars": lambda m, v, g: item(v, g[0]),
    "get_chars": lambda m, v, g: item(v, g[0]),
    "equals": lambda m, v, g: v == text(g[0]),
    "isnullorempty": lambda m, v, g: not v,
    "toint32": lambda m, v, g: int(number(v)),
}
