"""Steps that read numbers out of a buffer: byte_test, byte_jump, byte_extract, byte_math, and base64_decode."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kazami.detect.network.suricata import transform
from kazami.detect.network.suricata.steps import Number, Step, View, run

#: Bytes of a number, and bytes of Base64 that are decoded.
MAX_NUMBER, MAX_BASE64 = 23, 65_535

#: The base of digits that tell it themselves, as in C: ``0x1f``, ``017``, ``15``.
AUTOMATIC = 1

_WORD = (1 << 64) - 1
_TEXT = {
    16: re.compile(rb"\s*(?:0[xX])?([0-9a-fA-F]+)"),
    10: re.compile(rb"\s*([+-]?\d+)"),
    8: re.compile(rb"\s*([0-7]+)"),
    AUTOMATIC: re.compile(rb"\s*([+-]?(?:0[xX][0-9a-fA-F]+|\d+))"),
}


@dataclass(frozen=True, slots=True)
class Where:
    """Where a number lies and how it is written. `base` is 0 for binary; digits may be as many as there are (`size` 0)."""

    size: Number
    offset: Number
    relative: bool = False
    little: bool = False
    base: int = 0
    mask: int = 0
    align: int = 0
    multiplier: int = 1

    def read(self, view: View, at: int) -> tuple[int, int] | None:
        """The number, and where it ends; None where it is not there."""
        start = (at if self.relative else 0) + view.number(self.offset)
        size = view.number(self.size)
        if start < 0 or size < 0 or size > MAX_NUMBER or start + size > len(view.data):
            return None
        data = (
            view.data[start : start + size]
            if size or not self.base
            else view.data[start : start + MAX_NUMBER]
        )
        if self.base:
            return self._text(data, start)
        value = int.from_bytes(data, "little" if self.little else "big")
        return self.masked(value), start + size

    def _text(self, data: bytes, start: int) -> tuple[int, int] | None:
        base = self.base
        found = _TEXT[base].match(data)
        if found is not None and base == AUTOMATIC:
            digits = found[1].lstrip(b"+-")
            base = 16 if digits[:2].lower() == b"0x" else 8 if digits[:1] == b"0" else 10
            found = _TEXT[base].match(data)
        return None if found is None else (self.masked(int(found[1], base) & _WORD), start + found.end())

    def masked(self, value: int) -> int:
        if not self.mask:
            return value
        shift = (self.mask & -self.mask).bit_length() - 1
        return (value & self.mask) >> shift


@dataclass(frozen=True, slots=True)
class ByteTest:
    """A number in the buffer compared with one of the rule, or with a variable."""

    field: Where
    sign: str
    value: Number
    negated: bool = False

    @property
    def relative(self) -> bool:
        """Whether its place is counted from where the step before ended."""
        return self.field.relative

    def places(self, view: View, at: int) -> Iterator[int]:
        """`at`, if it holds."""
        found = self.field.read(view, at)
        if found is None:
            return
        wanted = view.number(self.value)
        if _HOLDS[self.sign](found[0], wanted) != self.negated:
            yield at


_HOLDS: dict[str, Callable[[int, int], bool]] = {
    "=": lambda a, b: a == b, "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b, "&": lambda a, b: bool(a & b), "^": lambda a, b: bool(a ^ b),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ByteJump:
    """Go on as many bytes further as a number says."""

    field: Where
    beginning: bool = False
    end: bool = False
    post: Number = 0

    @property
    def relative(self) -> bool:
        """Whether its place is counted from where the step before ended."""
        return self.field.relative

    def places(self, view: View, at: int) -> Iterator[int]:
        """Where it leads, if that is not behind the end; before the beginning is the beginning."""
        found = self.field.read(view, at)
        if found is None:
            return
        value = found[0] * self.field.multiplier
        if self.field.align:
            value += -value % self.field.align
        base = 0 if self.beginning else len(view.data) if self.end else found[1]
        target = base + value + view.number(self.post)
        if target < len(view.data):
            yield max(0, target)


@dataclass(frozen=True, slots=True)
class ByteExtract:
    """A number into a variable."""

    field: Where
    name: str

    @property
    def relative(self) -> bool:
        """Whether its place is counted from where the step before ended."""
        return self.field.relative

    def places(self, view: View, at: int) -> Iterator[int]:
        """Behind the number."""
        found = self.field.read(view, at)
        if found is None:
            return
        value = found[0] * self.field.multiplier
        if self.field.align:
            value += -value % self.field.align
        view.values[self.name] = value
        yield found[1]


@dataclass(frozen=True, slots=True)
class ByteMath:
    """A number, reckoned with another, into a variable."""

    field: Where
    sign: str
    value: Number
    name: str

    @property
    def relative(self) -> bool:
        """Whether its place is counted from where the step before ended."""
        return self.field.relative

    def places(self, view: View, at: int) -> Iterator[int]:
        """Behind the number."""
        found = self.field.read(view, at)
        other = view.number(self.value)
        if found is None or (self.sign == "/" and not other) or (self.sign in ("<<", ">>") and other >= 64):
            return
        value = _RECKON[self.sign](found[0], other) & _WORD
        view.values[self.name] = self.field.masked(value)
        yield found[1]


_RECKON: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a // b,
    "<<": lambda a, b: a << b, ">>": lambda a, b: a >> b,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Base64:
    """base64_decode: `inner` steps are about what comes out of it."""

    offset: Number = 0
    count: Number = 0
    relative: bool = False
    inner: list[Step] = field(default_factory=list)

    def places(self, view: View, at: int) -> Iterator[int]:
        """`at`, if there is Base64 and all that is asked of it holds."""
        start = (at if self.relative else 0) + view.number(self.offset)
        count = view.number(self.count) or MAX_BASE64
        if start < 0 or start > len(view.data):
            return
        made = transform.decoded(view.data[start : start + count])
        if not made:
            return
        if not self.inner:
            yield at
            return
        inside = View(made)
        inside.values = view.values
        if run(self.inner, inside) >= 0:
            yield at
