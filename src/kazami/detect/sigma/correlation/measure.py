"""What each type of correlation measures in each window, exactly: as fractions of whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from kazami.detect.sigma.correlation import logic
from kazami.detect.sigma.correlation.condition import OPERATORS
from kazami.detect.sigma.correlation.entries import Entries, Objects
from kazami.detect.sigma.correlation.matches import Ints
from kazami.detect.sigma.correlation.number import SCALE, exact
from kazami.detect.sigma.correlation.order_statistic import kth_smallest
from kazami.detect.sigma.correlation.window import Windows, distinct
from kazami.detect.sigma.expression import Expression
from kazami.detect.sigma.rule import Correlation

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Measure:
    """A fraction a window: `value` / `per`, whole numbers of Python's own; `per`, one for all or each, is positive."""

    value: Objects
    per: Objects | int

    def compare(self, operator: str, number: float) -> npt.NDArray[np.bool_]:
        """In which windows the measure so compares with a number of a rule."""
        threshold = exact(number)
        result = OPERATORS[operator](self.value * threshold.denominator, self.per * threshold.numerator)
        return np.asarray(result, dtype=bool)

    def best(self, windows: Ints, smallest: bool) -> Fraction:
        """The largest, or the smallest, measure of some windows."""
        choose = min if smallest else max
        values = self.value[windows].tolist()
        if isinstance(self.per, int):
            return Fraction(choose(values), self.per)
        return choose(map(Fraction, values, self.per[windows].tolist()))


def measure(correlation: Correlation, entries: Entries, within: Windows) -> Measure:
    """What the correlation's type measures, in each window."""
    return _MEASURES[correlation.type](correlation, entries, within)


def met(
    correlation: Correlation, measured: Measure, entries: Entries, within: Windows
) -> npt.NDArray[np.bool_]:
    """In which windows the condition holds."""
    if correlation.expression is not None:
        return _expressed(correlation, correlation.expression, entries, within)
    result = np.ones(len(within), dtype=bool)
    for operator, number in correlation.condition:
        result &= measured.compare(operator, number)
    return result


def _counted(counts: Ints) -> Measure:
    return Measure(counts.astype(object), 1)


def _events(correlation: Correlation, entries: Entries, within: Windows) -> Measure:
    if len(np.unique(entries.occurrence)) == len(entries):
        return _counted(within.end - within.start + 1)
    return _counted(distinct(entries.occurrence, within))


def _values(correlation: Correlation, entries: Entries, within: Windows) -> Measure:
    return _counted(distinct(entries.value, within))


def _rules(correlation: Correlation, entries: Entries, within: Windows) -> Measure:
    return _counted(distinct(entries.step, within))


def _rules_in_order(correlation: Correlation, entries: Entries, within: Windows) -> Measure:
    """The most rules of which events follow each other in the order of the rules; of equal times either order holds.

    `latest[n]` is, for each entry, the last entry from which a row of n + 1 events leads up to it or before it.
    """
    if correlation.expression is not None:
        return _rules(correlation, entries, within)
    latest: list[Ints] = []
    for step in range(len(correlation.rules)):
        here = entries.step == step
        for length in reversed(range(len(latest) + 1)):
            begun = latest[length - 1] if length else np.arange(len(entries), dtype=np.int64)
            reached = np.maximum.accumulate(np.where(here, begun, -1))
            if length == len(latest):
                latest.append(reached)
            else:
                latest[length] = np.maximum(latest[length], reached)
    counts = np.zeros(len(within), dtype=np.int64)
    for begun in latest:
        counts += begun[within.end] >= within.start
    return _counted(counts)


def _expressed(
    correlation: Correlation, expression: Expression, entries: Entries, within: Windows
) -> npt.NDArray[np.bool_]:
    if correlation.type == "temporal":
        present = {rule: _led(entries, within, (step,)) for step, rule in enumerate(correlation.rules)}
        return np.asarray(logic.value(expression, present), dtype=bool)
    result = np.zeros(len(within), dtype=bool)
    steps = {rule: step for step, rule in enumerate(correlation.rules)}
    for way in logic.alternatives(expression):
        holds = _led(entries, within, tuple(sorted(steps[rule] for rule in way.wanted)))
        for rule in way.absent:
            holds &= ~_led(entries, within, (steps[rule],))
        result |= holds
    return result


def _led(entries: Entries, within: Windows, steps: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Whether a window has events of all these steps that follow each other in this order."""
    begun = np.arange(len(entries), dtype=np.int64)
    for step in steps:
        begun = np.maximum.accumulate(np.where(entries.step == step, begun, -1))
    return begun[within.end] >= within.start


def _sum(correlation: Correlation, entries: Entries, within: Windows) -> Measure:
    sums, _ = _added(entries, within)
    return Measure(sums, SCALE)


def _average(correlation: Correlation, entries: Entries, within: Windows) -> Measure:
    sums, counts = _added(entries, within)
    return Measure(sums, counts.astype(object) * SCALE)


def _added(entries: Entries, within: Windows) -> tuple[Objects, Ints]:
    """Sum and number of the numbers of each window."""
    values, start, stop = _given(entries, within)
    totals = np.concatenate((np.full(1, 0, dtype=object), np.cumsum(entries.numbers[values], dtype=object)))
    return np.asarray(totals[stop] - totals[start], dtype=object), stop - start


def _given(entries: Entries, within: Windows) -> tuple[Ints, Ints, Ints]:
    """The values, a giver's equal ones but once; and the windows as ranges of these values, the end not included."""
    columns = (entries.time, entries.value, entries.giver, entries.group)
    order = np.lexsort(columns)
    repeated = np.ones(max(len(order) - 1, 0), dtype=bool)
    for column in columns:
        repeated &= column[order[1:]] == column[order[:-1]]
    first = np.ones(len(order), dtype=bool)
    first[order[1:][repeated]] = False
    before = np.concatenate(([0], np.cumsum(first)))
    return entries.value[first], before[within.start], before[within.end + 1]


def _percentile(correlation: Correlation, entries: Entries, within: Windows) -> Measure:
    """Linear interpolation between the two closest ranks (type 7 of Hyndman and Fan, The American Statistician 50, 1996)."""
    share = exact(_PERCENTILES.get(correlation.type, correlation.percentile)) / 100
    values, start, stop = _given(entries, within)
    reach = (stop - start - 1).astype(object) * share.numerator
    rank = (reach // share.denominator).astype(np.int64)
    weight = reach % share.denominator
    above = np.minimum(rank + 1, stop - start - 1)
    low = entries.numbers[kth_smallest(values, start, stop, rank)]
    high = entries.numbers[kth_smallest(values, start, stop, above)]
    value = low * (share.denominator - weight) + high * weight
    return Measure(value, share.denominator * SCALE)


_PERCENTILES = {"value_median": 50.0, "value_min": 0.0, "value_max": 100.0}

_MEASURES: dict[str, Callable[[Correlation, Entries, Windows], Measure]] = {
    "event_count": _events,
    "value_count": _values,
    "temporal": _rules,
    "temporal_ordered": _rules_in_order,
    "value_sum": _sum,
    "value_avg": _average,
    "value_percentile": _percentile,
    "value_median": _percentile,
    "value_min": _percentile,
    "value_max": _percentile,
}
