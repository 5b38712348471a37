"""What is looked for in a buffer, step by step, the way Suricata goes through the matches of one list.

A step yields the places (offsets into the buffer) from which the next step goes on. Where the next one is relative to it, the
next place is tried when the rest fails; else the first place decides. After Suricata's detect-engine-content-inspection.c as its
User Guide describes it (payload keywords).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

#: Places that are tried for one list of one rule in one buffer (Suricata's own limit is 3,000).
BUDGET = 3_000

#: A number, or the name of a variable that byte_extract or byte_math sets.
Number = int | str


class View:
    """A buffer under inspection; `first` is where it begins in its stream, `budget` the places left to try."""

    __slots__ = ("_lower", "budget", "data", "first", "last", "spent", "values")

    def __init__(self, data: bytes, first: int = 0, last: bool = True) -> None:
        self.data, self.first, self.last = data, first, last
        self._lower: bytes | None = None
        self.values: dict[str, int] = {}
        self.budget, self.spent = BUDGET, False

    @property
    def lower(self) -> bytes:
        """The buffer in lower case, made once."""
        if self._lower is None:
            self._lower = self.data.lower()
        return self._lower

    def number(self, value: Number) -> int:
        """The number, or that of the variable."""
        return value if isinstance(value, int) else self.values.get(value, 0)


class Step(Protocol):
    """One condition on a buffer."""

    @property
    def relative(self) -> bool:
        """Whether it is sought from where the step before ended."""
        ...

    def places(self, view: View, at: int) -> Iterator[int]:
        """Where to go on, if it holds from `at`."""
        ...


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes. `depth` is counted from the start of the buffer (so it holds `offset`), None for no limit."""

    pattern: bytes
    nocase: bool = False
    negated: bool = False
    offset: Number = 0
    depth: Number | None = None
    distance: Number | None = None
    within: Number | None = None
    starts: bool = False
    ends: bool = False
    fast: bool = False
    fast_only: bool = False

    @property
    def relative(self) -> bool:
        """Whether it is sought from where the step before ended."""
        return self.distance is not None or self.within is not None

    def window(self, view: View, at: int) -> tuple[int, int]:
        """Where it may lie: first byte, and the one behind the last."""
        size = len(view.data)
        low, high = view.number(self.offset), size
        if self.relative:
            distance = view.number(self.distance or 0)
            start = max(0, at + distance)
            if self.within is not None:
                high = min(high, at + distance + view.number(self.within))
            low = max(low, start)
        if self.starts:
            high = min(high, (at if self.relative else 0) + len(self.pattern))
        if self.depth is not None:
            depth = view.number(self.depth)
            if isinstance(self.depth, str) or isinstance(self.offset, str):
                depth += view.number(self.offset)
            high = min(high, depth + (at if self.relative else 0))
        return low, high

    def places(self, view: View, at: int) -> Iterator[int]:
        """Every place where it ends."""
        low, high = self.window(view, at)
        data = view.lower if self.nocase else view.data
        pattern = self.pattern
        size = len(pattern)
        if self.ends:
            if high < len(data):
                found = -1
            else:
                found = len(data) - size
                found = found if found >= low and data.endswith(pattern) else -1
            if self.negated:
                if found < 0:
                    yield at
            elif found >= 0:
                yield found + size
            return
        found = data.find(pattern, low, high) if 0 <= low <= high else -1
        if self.negated:
            if found < 0:
                yield at
            return
        while found >= 0:
            yield found + size
            found = data.find(pattern, found + 1, high)


@dataclass(frozen=True, slots=True)
class DataAt:
    """isdataat: whether there is a byte at a place."""

    place: Number
    relative: bool
    negated: bool

    def places(self, view: View, at: int) -> Iterator[int]:
        """`at`, if there is (or is not)."""
        place = view.number(self.place)
        there = place <= len(view.data) - at if self.relative else place < len(view.data)
        if there != self.negated:
            yield at


@dataclass(frozen=True, slots=True)
class Size:
    """bsize, urilen: how long the buffer is."""

    test: Test
    relative: bool = False

    def places(self, view: View, at: int) -> Iterator[int]:
        """`at`, if it is."""
        if self.test.holds(len(view.data), view):
            yield at


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison of a number with what a rule says: ``=``, ``!``, ``<``, ``<=``, ``>``, ``>=``, ``<>`` (between, exclusive), ``&``, ``&=`` (what a mask leaves)."""

    sign: str
    first: Number
    second: int = 0
    negated: bool = False

    def holds(self, value: int, view: View | None = None) -> bool:
        """Whether it is so."""
        first = self.first if isinstance(self.first, int) else view.number(self.first) if view else 0
        return _COMPARE[self.sign](value, first, self.second) != self.negated


_COMPARE: dict[str, Callable[[int, int, int], bool]] = {
    "=": lambda v, a, b: v == a, "!": lambda v, a, b: v != a, "<": lambda v, a, b: v < a, "<=": lambda v, a, b: v <= a,
    ">": lambda v, a, b: v > a, ">=": lambda v, a, b: v >= a, "<>": lambda v, a, b: a < v < b,
    "..": lambda v, a, b: a <= v <= b, "&": lambda v, a, b: bool(v & a), "&=": lambda v, a, b: v & a == b,
}  # fmt: skip


def run(steps: Sequence[Step], view: View, at: int = 0, index: int = 0) -> int:
    """Where the last step ended, or -1 where they do not all hold."""
    if index == len(steps):
        return at
    step = steps[index]
    again = index + 1 < len(steps) and steps[index + 1].relative
    for place in step.places(view, at):
        view.budget -= 1
        if view.budget < 0:
            view.spent = True
            return -1
        end = run(steps, view, place, index + 1)
        if end >= 0 or not again:
            return end
    return -1


def changed(content: Content, **what: object) -> Content:
    """The same with something else."""
    return replace(content, **what)  # type: ignore[arg-type]
