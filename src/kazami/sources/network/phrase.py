"""What messages of appliances and servers say: patterns as data, a file a maker in ``phrases/``.

Each entry has ``patterns``, of which the first that is found counts; its named groups are fields. ``{src}``, ``{dst}``, ``{spt}`` and ``{dpt}`` stand for
groups of an address or a port. ``programs`` (in lower case) write such messages, ``mark`` is what they hold; ``kind`` is that of ``words.yml``, of sessions (``vpn``) if
none is said: there, what the group of an action is called is the action.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from kazami.sources import mapping

_ACTIONS = ("accepted", "failed", "assigned", "closed")
_ADDRESS, _PORT = "[0-9A-Fa-f.:]{2,45}", r"\d{1,5}"
_SHORT = {f"{{{name}}}": f"(?P<{name}>{_ADDRESS})" for name in ("src", "dst")} | {
    f"{{{name}}}": f"(?P<{name}>{_PORT})" for name in ("spt", "dpt")
}


class Said(NamedTuple):
    """What a line says: a kind of ``words.yml`` ("" where it is told by its names), and its fields."""

    kind: str
    fields: dict[str, Any]


class _Entry(NamedTuple):
    product: str
    kind: str
    programs: frozenset[str]
    mark: re.Pattern[str]
    patterns: tuple[re.Pattern[str], ...]


@cache
def _entries() -> tuple[_Entry, ...]:
    names = sorted(file.name for file in files("kazami.sources").joinpath("network/phrases").iterdir())
    return tuple(_entry(one) for name in names for one in mapping.load(f"network/phrases/{name}"))


def _entry(one: dict[str, Any]) -> _Entry:
    return _Entry(
        one["product"],
        one.get("kind", "vpn"),
        frozenset(one.get("programs", ())),
        _compiled(one.get("mark", "")),
        tuple(map(_compiled, one["patterns"])),
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    for short, whole in _SHORT.items():
        pattern = pattern.replace(short, whole)
    return re.compile(pattern)


@cache
def _by_program() -> dict[str | None, tuple[_Entry, ...]]:
    """The entries that are asked for a program's messages; all of them for messages without a program."""
    programs = frozenset().union(*(entry.programs for entry in _entries()))
    found: dict[str | None, tuple[_Entry, ...]] = {
        program: tuple(e for e in _entries() if program in e.programs) for program in programs
    }
    return found | {None: _entries()}


def is_known(program: str) -> bool:
    """Whether messages of `program` (in lower case) are looked at."""
    return program in _by_program()


def told(program: str | None, message: str) -> Said | None:
    """What a message says; None where it is of nobody that is known, or of no interest."""
    for product, kind, _, mark, patterns in _by_program().get(program, ()):
        if not mark.search(message):
            continue
        for pattern in patterns:
            if found := pattern.search(message):
                fields: dict[str, Any] = {name: text for name, text in found.groupdict().items() if text}
                if "date" in fields:
                    fields["#time"] = f"{fields.pop('date')} {fields.pop('time')}"
                if kind == "vpn":
                    fields["Action"] = next((name for name in _ACTIONS if fields.pop(name, None)), None)
                return Said(kind, fields | {"product": product, "message": message})
    return None
