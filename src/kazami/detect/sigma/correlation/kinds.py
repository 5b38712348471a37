"""The types of correlation, and what they have in common."""

from __future__ import annotations

from kazami.detect.sigma.correlation.condition import FALLING, RISING
from kazami.detect.sigma.expression import Expression
from kazami.detect.sigma.rule import Correlation

TEMPORAL = frozenset(("temporal", "temporal_ordered"))
NUMERIC = frozenset(("value_sum", "value_avg", "value_percentile", "value_median", "value_min", "value_max"))
TYPES = TEMPORAL | NUMERIC | {"event_count", "value_count"}

#: What these measure never falls when a window grows; what `value_min` measures never rises.
_GROWING = TEMPORAL | {"event_count", "value_count", "value_max"}


def lasting(correlation: Correlation) -> bool:
    """Whether a condition that is met in a window is met in every larger one."""
    if correlation.expression is not None:
        return not _denies(correlation.expression)
    operators = {operator for operator, _ in correlation.condition}
    if correlation.type == "value_min":
        return operators <= FALLING
    return correlation.type in _GROWING and operators <= RISING


def _denies(expression: Expression) -> bool:
    kind, body = expression
    return kind == "not" or (kind != "is" and any(_denies(part) for part in body))
