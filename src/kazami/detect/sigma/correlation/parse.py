"""One correlation document to its compiled form.

Format: Sigma Correlation Rules Specification 2.1 with the extended conditions of 2.2. pySigma reads time spans; the
rest is read here, because pySigma knows neither ranges nor fractions of a percentile, nor ids or upper-case operators
in extended conditions, and takes references and aliases that are no texts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kazami.detect.sigma.correlation import condition, logic
from kazami.detect.sigma.correlation.condition import MAX_DIGITS
from kazami.detect.sigma.correlation.kinds import NUMERIC, TEMPORAL, TYPES
from kazami.detect.sigma.rule import Correlation
from kazami.errors import RuleError

MAX_VALUES = 200_000  # of a document, aliases counted as often as they stand, long texts as several
MAX_RULES = 1_000
MAX_TIMESPAN = 10_000 * 31_556_952  # seconds, ten thousand years: still adds to a time in microseconds

_KEYS = frozenset(("type", "rules", "aliases", "group-by", "timespan", "condition", "generate"))


def load(document: dict[str, Any], path: str) -> Correlation:
    """The correlation of a YAML document that has a ``correlation`` section.

    References in `rules`, `aliases` and `expression` stay as written, ids or names, and a missing level stays
    empty, until `resolve`. Raises `RuleError`, with `path` and a reason, for whatever cannot be evaluated as meant.
    """
    try:
        return _load(document, path)
    except ValueError as error:
        raise RuleError(path, str(error)) from error
    except RecursionError as error:
        raise RuleError(path, "the document is nested too deeply") from error


def _load(document: dict[str, Any], path: str) -> Correlation:
    from kazami.detect.sigma.information import (
        inform,
    )  # brings the YAML reader, needless with a warm rule cache

    _guard(document)
    section = document.get("correlation")
    if not isinstance(section, dict):
        raise ValueError("the correlation section is not a mapping")
    unknown = sorted(str(key) for key in section if key not in _KEYS)
    if unknown:
        raise ValueError(f"the correlation section has unknown items: {', '.join(unknown)[:200]}")
    kind = section.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise ValueError(f"the correlation type {str(kind)[:100]!r} is unknown")
    info, _ = inform(document, path, "correlation")
    plain = Correlation(
        info=info if document.get("level") else replace(info, level=""),
        type=kind,
        rules=_references(section.get("rules")),
        group_by=_names(section.get("group-by"), "group-by"),
        timespan=_seconds(section.get("timespan")),
        aliases=_aliases(section.get("aliases")),
        generate=_generate(document, section),
    )
    return _with_condition(plain, section.get("condition"))


def _guard(document: dict[str, Any]) -> None:
    """Refuse documents whose YAML aliases make them endless, or many times larger than their text."""
    size, waiting = 0, [document]
    while waiting:
        value: Any = waiting.pop()
        size += 1 + len(value) // 100 if isinstance(value, str) else 1
        if size > MAX_VALUES:
            raise ValueError(f"the document is larger than {MAX_VALUES} values, its aliases written out")
        if isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)


def _seconds(given: object) -> float:
    """A timespan: a number and one of ``s m h d w M y``, where a month is 2,629,746 s and a year 31,556,952 s."""
    from sigma.correlations import SigmaCorrelationTimespan  # slow to import, and as needless
    from sigma.exceptions import SigmaTimespanError

    if not isinstance(given, str) or len(given) > MAX_DIGITS:
        raise ValueError("the timespan is missing" if given is None else "the timespan is no short text")
    try:
        seconds = SigmaCorrelationTimespan(given).seconds
    except SigmaTimespanError as error:
        raise ValueError(str(error)) from error
    if seconds <= 0:
        raise ValueError(f"the timespan {given!r} is not greater than zero")
    if seconds > MAX_TIMESPAN:
        raise ValueError("the timespan is longer than ten thousand years")
    return float(seconds)


def _names(given: object, what: str) -> tuple[str, ...]:
    """Field names, one or a list, each once."""
    names = [given] if isinstance(given, str) else given if given is not None else []
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"{what} is neither a field nor a list of fields")
    return tuple(dict.fromkeys(names))


def _references(given: object) -> tuple[str, ...]:
    rules = [given] if isinstance(given, str) else given
    if rules is None:
        return ()
    if not isinstance(rules, list) or not all(isinstance(r, str) and r.strip() for r in rules):
        raise ValueError("rules is neither a reference nor a list of references")
    if len(rules) > MAX_RULES:
        raise ValueError(f"the correlation names more than {MAX_RULES} rules")
    return tuple(r.strip() for r in rules)


def _aliases(given: object) -> dict[str, dict[str, str]]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ValueError("aliases is not a mapping")
    for alias, mapping in given.items():
        whole = isinstance(alias, str) and isinstance(mapping, dict) and mapping
        if not whole or not all(isinstance(text, str) for pair in mapping.items() for text in pair):
            raise ValueError(f"the alias {str(alias)[:100]!r} does not map rules to fields")
    return {alias: dict(mapping) for alias, mapping in given.items()}


def _generate(document: dict[str, Any], section: dict[str, Any]) -> bool:
    """`generate`: the text of the specification and pySigma have it in the section, its schema beside it."""
    given = [holder["generate"] for holder in (document, section) if holder.get("generate") is not None]
    if not all(isinstance(value, bool) for value in given):
        raise ValueError("generate is neither true nor false")
    if len(set(given)) > 1:
        raise ValueError("generate is both true and false")
    return True in given


def _with_condition(plain: Correlation, given: object) -> Correlation:
    if isinstance(given, str) and plain.type in TEMPORAL:
        return _extended(plain, given)
    if not plain.rules:
        raise ValueError("the correlation names no rules")
    if given is None and plain.type in TEMPORAL:
        return replace(plain, condition=(("gte", len(plain.rules)),))
    if not isinstance(given, dict):
        words = "missing" if given is None else "not a mapping of comparisons"
        raise ValueError(f"the condition of {plain.type} is {words}")
    return _counted(replace(plain, condition=condition.comparisons(given)), given)


def _extended(plain: Correlation, text: str) -> Correlation:
    expression = logic.parse(text)
    named = logic.references(expression)
    if logic.value(expression, dict.fromkeys(named, False)):
        raise ValueError("the condition is true where nothing happened, which no event can show")
    ways = logic.alternatives(expression) if plain.type == "temporal_ordered" else ()
    if plain.type == "temporal_ordered" and not ways:
        raise ValueError("the condition can never be true")
    return replace(plain, rules=plain.rules or tuple(named), expression=expression)


def _counted(plain: Correlation, given: dict[Any, Any]) -> Correlation:
    valued = plain.type in NUMERIC or plain.type == "value_count"
    if not valued and "field" in given:
        raise ValueError(f"the condition names a field, which {plain.type} does not look at")
    if plain.type != "value_percentile" and "percentile" in given:
        raise ValueError(f"the condition names a percentile, which {plain.type} does not have")
    fields = _names(given.get("field"), "the condition's field")
    if valued and not fields:
        raise ValueError(f"the condition of {plain.type} names no field")
    if plain.type in NUMERIC and len(fields) > 1:
        raise ValueError(f"{plain.type} takes one field")
    return replace(plain, fields=fields, percentile=condition.percentile(given))
