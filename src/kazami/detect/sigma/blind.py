"""Loaded rules that this evidence can never make fire, and why.

A rule that can find nothing looks just like a rule that found nothing. So after a scan every rule is held against
what was seen: the log sources, and for each the fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kazami.detect.sigma.expression import Expression, fields, predicates
from kazami.detect.sigma.rule import Rule
from kazami.model.event import LogSource
from kazami.model.result import Blind


def blind(rules: Iterable[Rule], seen: Mapping[tuple[LogSource, ...], frozenset[str]]) -> list[Blind]:
    """The blind ones among `rules`. `seen` maps the log sources of a route to all fields its events had."""
    found = []
    for rule in rules:
        known = [
            names
            for sources, names in seen.items()
            if any(rule.info.logsource.covers(source) for source in sources)
        ]
        if not known:
            found.append(Blind(rule.info, f"no events of {rule.info.logsource}"))
        elif not any(_possible(rule.condition, names) for names in known):
            missing = sorted(_fields(rule.condition) - frozenset().union(*known))
            found.append(Blind(rule.info, f"never seen in {rule.info.logsource}: {', '.join(missing)}"))
    return found


def _possible(expression: Expression, names: frozenset[str]) -> bool:
    """Whether the expression may be true on some event whose fields are among `names`."""
    kind, body = expression
    if kind == "is":
        if body.op == "null" or (body.op == "exists" and not body.arg):
            return True
        return body.field is None or fields(body) <= names
    if kind == "and":
        return all(_possible(part, names) for part in body)
    if kind == "or":
        return any(_possible(part, names) for part in body)
    return kind == "not" or bool(body)


def _fields(expression: Expression) -> frozenset[str]:
    return frozenset().union(*(fields(predicate) for predicate in predicates(expression)))
