"""What may be wrong with a rule that loads: our own checks, beside those of pySigma (`validators`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from kazami.detect.sigma import plain
from kazami.detect.sigma.expression import ANY, ONE, Expression, Predicate, predicates
from kazami.detect.sigma.modifier import TIME_PARTS
from kazami.detect.sigma.pattern import plain_text
from kazami.detect.sigma.regexp import Backtracking, compile_pattern
from kazami.model.event import LogSource

#: Log sources that are known, and the fields of each; None where any field may come.
Known = Mapping[LogSource, "frozenset[str] | None"]

#: An identifier, or a name of a tactic: these change with the versions of ATT&CK.
_ATTACK = re.compile(r"attack\.(?:t\d{4}(?:\.\d{3})?|(?:[gscm]|ds)\d{4}|[a-z]+(?:[-_][a-z]+)*)")
_TRAILING = re.compile(r"(?<!\\)(?:\\\\)*\*\Z")


class Said(NamedTuple):
    """A remark before it has its rule."""

    severity: str
    code: str
    text: str


def lint(
    content: Mapping[Any, Any], expression: Expression, source: LogSource, known: Known | None
) -> Iterator[Said]:
    """All remarks on one rule: its document, and what it compiles to."""
    yield from _words(content)
    yield from _tags(content)
    yield from _items(content.get("detection"))
    for predicate in dict.fromkeys(predicates(expression)):
        for check in _CHECKS:
            yield from check(predicate)
    reason = never(expression)
    if reason:
        yield Said("warning", "never_true", f"it can hardly ever be true: {reason}")
    elif _true_of_nothing(expression):
        yield Said(
            "warning", "true_of_nothing", "it is true of an event that has none of the fields it names"
        )
    if known is not None:
        yield from _source(source, expression, known)


def _words(content: Mapping[Any, Any]) -> Iterator[Said]:
    for key in ("level", "description", "author", "date", "status"):
        if not content.get(key):
            yield Said("note", f"no_{key}", f"it has no {key}")
    if content.get("status") in ("deprecated", "unsupported"):
        yield Said("warning", "status", f"its status is {content['status']}")
    section = content.get("logsource")
    for part, value in section.items() if isinstance(section, Mapping) else ():
        if part in ("product", "category", "service") and isinstance(value, str) and value != value.lower():
            yield Said(
                "note", "logsource_case", f"logsource: {part} is written in lower case: '{value.lower()}'"
            )
    detection = content.get("detection")
    if isinstance(detection, Mapping) and "timeframe" in detection:
        yield Said("warning", "timeframe", "timeframe is no part of Sigma any more: write a correlation rule")


def _tags(content: Mapping[Any, Any]) -> Iterator[Said]:
    tags = content.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        lowered = tag.lower() if isinstance(tag, str) else ""
        if lowered.startswith("attack.") and not _ATTACK.fullmatch(lowered):
            yield Said(
                "warning", "attack_tag", f"'{tag}' is no tactic, technique, group or software of ATT&CK"
            )


def _items(section: Any) -> Iterator[Said]:
    """Checks on the lines of a detection as they are written."""
    if isinstance(section, list):
        for element in section:
            yield from _items(element)
    elif isinstance(section, Mapping):
        for key, value in section.items():
            yield from _items(value)
            yield from _item(str(key), value if isinstance(value, list) else [value])


def _item(key: str, values: list[Any]) -> Iterator[Said]:
    field, *names = key.split("|")
    if field != field.strip():
        yield Said("warning", "blank_in_field", f"the field '{field}' begins or ends with a blank")
    for value in values:
        if not isinstance(value, str) or "re" in names or len(value) < 2:
            continue
        begins = value.startswith("*") and {"contains", "endswith"} & set(names)
        ends = _TRAILING.search(value) and {"contains", "startswith"} & set(names)
        if begins or ends:
            yield Said(
                "note", "needless_wildcard", f"{key}: '{value}' has a wildcard that its modifier adds anyway"
            )


def _slow(predicate: Predicate) -> Iterator[Said]:
    if predicate.op == "re" and isinstance(compile_pattern(*predicate.arg), Backtracking):
        text = f"'{predicate.arg[0]}' needs an engine that backtracks: slow, and given up after a while"
        yield Said("warning", "slow_regular_expression", f"{predicate.field or 'keyword'}: {text}")


def _empty(predicate: Predicate) -> Iterator[Said]:
    where = predicate.field or "keyword"
    if predicate.op == "match" and predicate.arg and set(predicate.arg) <= {ANY, ONE}:
        yield Said(
            "note", "only_wildcards", f"{where}: nothing but wildcards; 'exists' asks for a field itself"
        )
    elif predicate.op == "re" and compile_pattern(*predicate.arg).search(""):
        yield Said("warning", "matches_empty", f"{where}: '{predicate.arg[0]}' is found in every text")


_CHECKS: tuple[Callable[[Predicate], Iterator[Said]], ...] = (_slow, _empty)


def _true_of_nothing(expression: Expression) -> bool:
    return plain.evaluate(expression, {})


def never(expression: Expression) -> str:
    """Why an expression can never be true of an event whose fields have one value each; "" where it may be."""
    kind, body = expression
    if kind == "is":
        return _impossible(body)
    if kind == "or":
        reasons = [never(part) for part in body]
        return reasons[0] if reasons and all(reasons) else ""
    if kind == "and":
        return next((reason for part in body if (reason := never(part))), "") or _contradiction(body)
    return ""


def _impossible(predicate: Predicate) -> str:
    if predicate.op != "time":
        return ""
    part, comparison, number = predicate.arg
    low, high = TIME_PARTS[part]
    possible = {
        "eq": low <= number <= high,
        "neq": True,
        "gt": number < high,
        "gte": number <= high,
        "lt": number > low,
        "lte": number >= low,
    }
    return "" if possible[comparison] else f"{part} is a number from {low} to {high}"


def _contradiction(parts: tuple[Expression, ...]) -> str:
    """Two conjuncts that exclude each other: a part and its negation, or one field with two whole values."""
    held = set(_conjuncts(("and", parts)))
    for part in held:
        if ("not", part) in held:
            return "a selection and its negation"
    values: dict[str, str] = {}
    for kind, body in held:
        text = plain_text(body.arg) if kind == "is" and body.op == "match" and body.field else None
        if text is not None:
            other = values.setdefault(body.field, text.casefold())
            if other != text.casefold():
                return f"{body.field} would have to be both '{other}' and '{text.casefold()}'"
    return ""


def _conjuncts(expression: Expression) -> Iterator[Expression]:
    if expression[0] == "and":
        for part in expression[1]:
            yield from _conjuncts(part)
    else:
        yield expression


def _source(asked: LogSource, expression: Expression, known: Known) -> Iterator[Said]:
    covered = [fields for source, fields in known.items() if asked.covers(source)]
    if not covered:
        yield Said("warning", "unknown_log_source", f"nothing that is read here gives events of {asked}")
        return
    names = frozenset().union(*(fields for fields in covered if fields is not None))
    if None not in covered:
        for field in dict.fromkeys(predicate.field for predicate in predicates(expression)):
            if field is not None and field not in names:
                yield Said("warning", "unknown_field", f"no event of {asked} is known to have '{field}'")
