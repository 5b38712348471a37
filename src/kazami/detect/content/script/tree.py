"""What scripts are parsed into, and what their expressions came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A piece of the text from `start` to `end`; `parts` are by `kind` (see the machines, a method a kind)."""

    kind: str
    start: int
    end: int
    parts: tuple[Any, ...] = ()


class ParseError(ValueError):
    """Text that is none of its language, with the offset."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(f"{reason} at {at}")
        self.at = at


_FOLDED = 64 << 10
_MOST = 5000
_MIXED = object()


@dataclass(slots=True)
class Folds:
    """Texts that expressions came to, by place; where one came to several, nothing is known of it."""

    found: dict[tuple[int, int], Any] = field(default_factory=dict)

    def add(self, node: Node, value: str) -> None:
        """An expression came to a text."""
        place = (node.start, node.end)
        if len(value) <= _FOLDED and (place in self.found or len(self.found) < _MOST):
            self.found[place] = value if self.found.get(place, value) == value else _MIXED

    def written(self, source: str, quote: str) -> str:
        """The script with the outermost of them written out in `quote`; "" where nothing changes."""
        out: list[str] = []
        at = 0
        for (start, end), value in sorted(self.found.items(), key=lambda fold: (fold[0][0], -fold[0][1])):
            if value is _MIXED or start < at:
                continue
            out += (source[at:start], quote, value.replace(quote, quote * 2), quote)
            at = end
        written = "".join((*out, source[at:]))
        return written if written != source else ""
