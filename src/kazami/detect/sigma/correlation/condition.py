"""The condition of counting and value types: comparisons of one measured value with numbers.

Several comparisons are linked by *and*, so that ``gt: 100`` with ``lte: 200`` is a range.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

Comparison = tuple[str, int | float]

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}
RISING = frozenset(("gt", "gte"))  # stays true when the measured value grows
FALLING = frozenset(("lt", "lte"))

#: More digits than a sensible threshold has; a guard against numbers that cost time.
MAX_DIGITS = 30

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def comparisons(condition: Mapping[Any, Any]) -> tuple[Comparison, ...]:
    """The comparisons of a condition, in the order written; raises ValueError where there is none or a bad one."""
    unknown = [str(key) for key in condition if key not in OPERATORS and key not in ("field", "percentile")]
    if unknown:
        raise ValueError(f"the condition has unknown items: {', '.join(unknown)}")
    found = tuple((key, number(condition[key])) for key in condition if key in OPERATORS)
    if not found:
        raise ValueError(f"the condition compares with nothing (one of {', '.join(OPERATORS)})")
    return found


def number(value: object) -> int | float:
    """A number as a rule writes it, also as text; raises ValueError where it is none, or too large."""
    if isinstance(value, str) and len(value) <= MAX_DIGITS and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ValueError(f"{str(value)[:100]!r} in the condition is no number")
    if abs(value) >= 10**MAX_DIGITS:
        raise ValueError(f"a number in the condition has more than {MAX_DIGITS} digits")
    return value


def percentile(condition: Mapping[Any, Any]) -> float:
    """The `percentile` of a condition, 50 where it has none; raises ValueError unless 0 to 100."""
    value = number(condition.get("percentile", 50))
    if not 0 <= value <= 100:
        raise ValueError(f"the percentile {value} is not between 0 and 100")
    return float(value)
