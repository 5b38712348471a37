"""Selections: from the ``detection`` section of a rule, as YAML gives it, to expressions.

A map is all of its items, a list is any of its elements, a value without a field is a keyword. pySigma reads the
escapes of a text; its modifiers are not used, for the reasons in decision 0010.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from sigma.types import SigmaString, SpecialChars

from kazami.detect.sigma import modifier
from kazami.detect.sigma.expression import ANY, ONE, Expression, Predicate
from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.modifier import LIST_MODIFIERS, MODIFIERS, Value
from kazami.detect.sigma.pattern import Parts, normal
from kazami.detect.sigma.placeholder import Placeholders, expand
from kazami.detect.sigma.regexp import compile_pattern
from kazami.detect.sigma.yaml12 import Written

_MOST = 50_000  # predicates of one field of one rule
_POSITIONS = frozenset({"contains", "startswith", "endswith"})
_TOKENS = {SpecialChars.WILDCARD_MULTI: ANY, SpecialChars.WILDCARD_SINGLE: ONE}
_LARGEST = 2**63  # numbers beyond are compared as text, which is exact as well


def selection(definition: Any, placeholders: Placeholders) -> Expression:
    """The expression of one named selection. Raises `Fault`."""
    if isinstance(definition, Mapping):
        if not definition:
            raise Fault("an empty map selects nothing")
        return _joined("and", [_item(key, value, placeholders) for key, value in definition.items()])
    if isinstance(definition, list):
        if not definition:
            raise Fault("an empty list selects nothing")
        if not any(isinstance(element, (Mapping, list)) for element in definition):
            return _item("", definition, placeholders)
        return _joined("or", [selection(element, placeholders) for element in definition])
    return _item("", definition, placeholders)


def _joined(operator: str, parts: list[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else (operator, tuple(parts))


def _item(key: Any, raw: Any, placeholders: Placeholders) -> Expression:
    """One line of a map: a field with modifiers, and its value or values."""
    if key is None:
        raise Fault("a map needs names of fields: 'null' is none")
    field, *names = str(key).split("|")
    values = raw if isinstance(raw, list) else [raw]
    try:
        _check(names, values)
        groups = [_alternatives(field or None, names, value, placeholders) for value in values]
        if sum(len(group) for group in groups) > _MOST:
            raise Fault(f"more than {_MOST} values to compare with")
    except Fault as fault:
        raise Fault(f"{key or 'keywords'}: {fault}") from fault
    linked = "and" if "all" in names else "or"
    if linked == "or":
        expression = _joined("or", list(dict.fromkeys(leaf for group in groups for leaf in group)))
    else:
        expression = _joined("and", [_joined("or", group) for group in groups])
    return ("not", expression) if "neq" in names else expression


def _check(names: list[str], values: list[Any]) -> None:
    for name in names:
        if name not in MODIFIERS and name not in LIST_MODIFIERS:
            raise Fault(f"unknown modifier '{name}'")
    if not values:
        raise Fault("an empty list of values")
    if len(values) > 1 and None in values:
        raise Fault("null cannot be part of a list: give it a selection of its own")
    if len(values) < 2 and "all" in names:
        raise Fault("'all' needs more than one value")
    if len(values) > 1 and "exists" in names:
        raise Fault("'exists' takes one value")


def _alternatives(
    field: str | None, names: list[str], raw: Any, placeholders: Placeholders
) -> list[Expression]:
    """The leaves of which one has to hold for this value, each once."""
    if not isinstance(raw, (str, int, float, type(None))):
        raise Fault(f"a value cannot be a {type(raw).__name__}")
    texts = _expanded(raw, names, placeholders) if isinstance(raw, str) and "expand" in names else [raw]
    values = [value for text in texts for value in modifier.apply(_typed(text, names), names)]
    made = [_predicate(field, value) if field else _keyword(value, names) for value in values]
    return [("is", predicate) for predicate in dict.fromkeys(made)]


def _expanded(raw: str, names: list[str], placeholders: Placeholders) -> list[str]:
    """The texts that a value with placeholders stands for; in a regular expression, their values are patterns."""
    return expand(raw, placeholders, as_pattern if "re" in names else str)


def as_pattern(text: str) -> str:
    """A text as a rule writes it, as part of a regular expression."""
    tokens = {ANY: ".*", ONE: "."}
    return "".join(re.escape(part) if isinstance(part, str) else tokens[part] for part in parts(text))


def _typed(raw: str | int | float | None, names: list[str]) -> Value:
    if raw is None:
        if set(names) - {"neq"}:
            raise Fault("null takes no modifier but 'neq'")
        return Value("null", None)
    if isinstance(raw, Written):
        raw = float(raw) if raw.plain and "re" not in names else raw.text
    if "re" in names:
        return Value("raw", str(raw))
    if isinstance(raw, bool):
        return Value("match", ("true" if raw else "false",))
    if isinstance(raw, str):
        return Value("match", parts(raw))
    if not math.isfinite(raw):
        raise Fault("a number too large to compare with")
    return Value("number", raw) if abs(raw) < _LARGEST else Value("match", (str(raw),))


def parts(text: str) -> Parts:
    """The parts of a text as a rule writes it, with wildcards and escapes read."""
    return normal(part if isinstance(part, str) else _TOKENS[part] for part in SigmaString(text).s)  # type: ignore[index]


def _keyword(value: Value, names: list[str]) -> Predicate:
    """A predicate on any field. Keywords are searched for inside the values, a number as a word."""
    op, arg = value.op, value.arg
    if op == "number":
        op, arg = "re", (rf"(?:^|\W){re.escape(str(arg))}(?:\W|$)", "")
    if op not in ("match", "re", "cidr"):
        raise Fault("needs a field")
    if op == "match":
        if not arg:
            raise Fault("an empty keyword is in every event")
        if not _POSITIONS & set(names):
            arg = normal((ANY, *arg, ANY))
    return _predicate(None, value._replace(op=op, arg=arg))


def _predicate(field: str | None, value: Value) -> Predicate:
    if value.op == "re":
        compile_pattern(*value.arg)  # a pattern that no engine can have is a fault of the rule
    return Predicate(field, value.op, value.arg, value.cased)  # type: ignore[arg-type]
