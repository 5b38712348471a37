"""The plain evaluator: one event, one rule, read straight off `expression`.

It is what the columnar matcher is held against, what `rules test` and `explain` run, and slow.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from kazami.detect.sigma.expression import Expression, Predicate
from kazami.detect.sigma.pattern import shape
from kazami.detect.sigma.regexp import compile_pattern
from kazami.detect.sigma.value import address, inside, moment, network, number, time_part

#: A field that is not a key is missing; None is an explicit null; a list holds several values.
Event: TypeAlias = Mapping[str, "str | list[str | None] | None"]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_RELATE: dict[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}


def evaluate(expression: Expression, event: Event) -> bool:
    """Whether the expression is true on the event.

    Raises TimeoutError where a regular expression that needs backtracking runs out of time on a value.
    """
    kind, body = expression
    if kind == "is":
        return ask(body, event)
    if kind == "not":
        return not evaluate(body, event)
    if kind == "and":
        return all(evaluate(part, event) for part in body)
    if kind == "or":
        return any(evaluate(part, event) for part in body)
    return bool(body)


def ask(predicate: Predicate, event: Event) -> bool:
    """Whether one predicate is true on the event."""
    field, op, arg, _ = predicate
    if field is None:
        return any(holds(predicate, value, event) for name in event for value in values(event, name))
    if op == "exists":
        return (field in event) is bool(arg)
    if op == "null":
        return field not in event or None in values(event, field)
    return any(holds(predicate, value, event) for value in values(event, field))


def values(event: Event, field: str) -> list[str | None]:
    """The values of a field; none where it is missing."""
    found = event.get(field, [])
    return found if isinstance(found, list) else [found]


def holds(predicate: Predicate, value: str | None, event: Event) -> bool:
    """Whether a predicate that asks about text holds for one value; it never does for null."""
    return value is not None and _HOLDS[predicate.op](predicate, value, event)


def _fold(text: str, cased: bool) -> str:
    return text if cased else text.casefold()


def _match(predicate: Predicate, value: str, _: Event) -> bool:
    return shape(predicate.arg, predicate.cased).holds(_fold(value, predicate.cased))


def _re(predicate: Predicate, value: str, _: Event) -> bool:
    return compile_pattern(*predicate.arg).search(value)


def _cidr(predicate: Predicate, value: str, _: Event) -> bool:
    where = address(value)
    return where is not None and inside(where, network(predicate.arg))


def _number(predicate: Predicate, value: str, _: Event) -> bool:
    return bool(number(value) == predicate.arg)


def _ordered(predicate: Predicate, value: str, _: Event) -> bool:
    found = number(value)
    return found is not None and bool(_COMPARE[predicate.op](found, predicate.arg))


def _ref(predicate: Predicate, value: str, event: Event) -> bool:
    other, how = predicate.arg
    relates, cased = _RELATE[how], predicate.cased
    return any(
        relates(_fold(value, cased), _fold(against, cased)) for against in _texts(values(event, other))
    )


def _texts(found: list[str | None]) -> Iterator[str]:
    return (value for value in found if value is not None)


def _time(predicate: Predicate, value: str, _: Event) -> bool:
    part, comparison, wanted = predicate.arg
    when: datetime | None = moment(value)
    return when is not None and _COMPARE[comparison](time_part(when, part), wanted)


_HOLDS: dict[str, Callable[[Predicate, str, Event], bool]] = {
    "match": _match,
    "re": _re,
    "cidr": _cidr,
    "number": _number,
    "gt": _ordered,
    "gte": _ordered,
    "lt": _ordered,
    "lte": _ordered,
    "ref": _ref,
    "time": _time,
}
