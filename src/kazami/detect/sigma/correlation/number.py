"""Numbers as evidence writes them, exact: sums of decimal texts must not depend on their order.

All numbers of one evaluation share one scale, a power of ten, and are then whole numbers of Python's own, which
neither overflow nor round. A float would say that ten times 0.1 is less than 1.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

#: Digits after the point that are looked at; what follows is rounded half to even.
PLACES = 15
SCALE = 10**PLACES

#: Texts beyond this are no numbers that anybody counts, but would cost time without end.
MAX_LENGTH = 64
MAX_MAGNITUDE = 10**30

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_HEXADECIMAL = re.compile(r"0x[0-9a-f]+", re.ASCII | re.IGNORECASE)
_EXACT = Context(prec=400, rounding=ROUND_HALF_EVEN)


def scaled(text: str) -> int | None:
    """The number that a text is, times `SCALE`: decimal, with exponent, or hexadecimal with 0x; None if it is none."""
    text = text.strip()
    if len(text) > MAX_LENGTH:
        return None
    if text.isascii() and text.isdigit():
        number = int(text) * SCALE
    elif _HEXADECIMAL.fullmatch(text):
        number = int(text, 16) * SCALE
    elif _DECIMAL.fullmatch(text):
        number = int(Decimal(text).scaleb(PLACES, _EXACT).to_integral_value(ROUND_HALF_EVEN))
    else:
        return None
    return number if abs(number) <= MAX_MAGNITUDE * SCALE else None


def exact(number: float) -> Fraction:
    """A number of a rule as its author wrote it: 0.1 is one tenth."""
    return Fraction(str(number))


def text(value: Fraction) -> str:
    """A number for people: whole, or with at most six digits after the point."""
    if value.denominator == 1:
        return str(value.numerator)
    rounded = f"{Decimal(value.numerator) / Decimal(value.denominator):.6f}"
    return rounded.rstrip("0").rstrip(".")
