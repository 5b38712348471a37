"""The shape of a text value: plain text, and tokens for any text, one character, one dash.

Parts are what a `match` predicate carries (see `expression`): ``(ANY, "\\\\cmd.exe")`` is what ends with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from kazami.detect.sigma.expression import ANY, DASH, DASHES, ONE

Parts: TypeAlias = tuple[str | int, ...]

#: A dash that starts a word, as in ``-enc`` or ``/c``, but not the one inside ``a-b`` or before a space.
_SWITCH = re.compile(rf"\B[{DASHES}]\b")


def normal(parts: Iterable[str | int]) -> Parts:
    """The same shape with neighboring texts joined, empty texts and repeated ANY removed."""
    out: list[str | int] = []
    for part in parts:
        last = out[-1] if out else None
        if part == "" or (part == ANY and last == ANY and isinstance(last, int)):
            continue
        if isinstance(part, str) and isinstance(last, str):
            out[-1] = last + part
        else:
            out.append(part)
    return tuple(out)


def plain_text(parts: Parts) -> str | None:
    """The text where the shape is nothing but text (maybe empty), else None."""
    if all(isinstance(part, str) for part in parts):
        return "".join(str(part) for part in parts)
    return None


def with_dashes(parts: Parts) -> Parts:
    """Every dash that starts a word becomes DASH; five dashes stand for each other there."""

    def split(text: str) -> Iterator[str | int]:
        end = 0
        for found in _SWITCH.finditer(text):
            yield text[end : found.start()]
            yield DASH
            end = found.end()
        yield text[end:]

    return normal(piece for part in parts for piece in (split(part) if isinstance(part, str) else (part,)))


class _Segment(NamedTuple):
    """What stands between two ANY: always as long as it is, hence searched for without backtracking."""

    regex: re.Pattern[str]
    length: int


class Shape:
    """Parts, ready to be held against whole values."""

    __slots__ = ("_segments",)

    def __init__(self, parts: Parts) -> None:
        segments: list[list[str | int]] = [[]]
        for part in parts:
            if part == ANY and isinstance(part, int):
                segments.append([])
            else:
                segments[-1].append(part)
        self._segments = tuple(_segment(segment) for segment in segments)

    def holds(self, text: str) -> bool:
        """Whether the whole of `text` has this shape."""
        first, *middle = self._segments
        if not first.regex.match(text):
            return False
        if not middle:
            return len(text) == first.length
        last = middle.pop()
        position = first.length
        for segment in middle:  # the leftmost place leaves most room for what follows
            found = segment.regex.search(text, position)
            if not found:
                return False
            position = found.end()
        start = len(text) - last.length
        return start >= position and last.regex.match(text, start) is not None


def _segment(parts: list[str | int]) -> _Segment:
    tokens = {ONE: ".", DASH: f"[{re.escape(DASHES)}]"}
    source = "".join(re.escape(part) if isinstance(part, str) else tokens[part] for part in parts)
    length = sum(len(part) if isinstance(part, str) else 1 for part in parts)
    return _Segment(re.compile(source, re.DOTALL), length)


def fold(parts: Parts) -> Parts:
    """The parts with all text case-folded."""
    return tuple(part.casefold() if isinstance(part, str) else part for part in parts)


@lru_cache(maxsize=65536)
def shape(parts: Parts, cased: bool) -> Shape:
    """The shape of `parts`; where not `cased`, it is to be held against folded values."""
    return Shape(parts if cased else fold(parts))
