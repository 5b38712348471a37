"""Loaded rules that this evidence can never make fire, and why.

A rule that can find nothing looks just like a rule that found nothing. So after a scan every rule is held against
what was seen: the log sources, and for each the fields. Conditions are read in their JSON form where a rule still has
it: this runs over all rules, most of which the scan did not need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from kazami.detect.sigma.rule import Rule
from kazami.model.event import LogSource
from kazami.model.result import Blind

Seen = Mapping[tuple[LogSource, ...], frozenset[str]]


def blind(rules: Iterable[Rule], seen: Seen) -> list[Blind]:
    """The blind ones among `rules`. `seen` maps the log sources of a route to all fields its events had."""
    found = []
    routes: dict[LogSource, list[frozenset[str]]] = {}
    for rule in rules:
        asked = rule.info.logsource
        if asked not in routes:
            routes[asked] = [names for sources, names in seen.items() if any(map(asked.covers, sources))]
        known = routes[asked]
        if not known:
            found.append(Blind(rule.info, f"no events of {asked}"))
            continue
        condition = msgspec.json.decode(rule.compiled) if isinstance(rule.compiled, bytes) else rule.compiled
        if not any(_possible(condition, names) for names in known):
            found.append(Blind(rule.info, _reason(asked, sorted(set(_needed(condition))), known)))
    return found


def fields(rules: Iterable[Rule]) -> frozenset[str]:
    """All fields that the conditions of `rules` look at."""
    found: set[str] = set()
    for rule in rules:
        condition = msgspec.json.decode(rule.compiled) if isinstance(rule.compiled, bytes) else rule.compiled
        found.update(_needed(condition))
    return frozenset(found)


def _reason(asked: LogSource, needed: list[str], known: list[frozenset[str]]) -> str:
    missing = [name for name in needed if not any(name in names for names in known)]
    if missing:
        return f"never seen in {asked}: {', '.join(missing)}"
    if needed:
        return f"never seen together in {asked}: {', '.join(needed)}"
    return "its condition cannot be true of any event"


def _possible(expression: Any, names: frozenset[str]) -> bool:
    """Whether the expression (or its JSON) may be true on some event whose fields are among `names`."""
    kind, body = expression
    if kind == "is":
        field, op, arg = body[:3]
        if op == "null" or (op == "exists" and not arg):
            return True
        return field is None or (field in names and (op != "ref" or arg[0] in names))
    if kind == "and":
        return all(_possible(part, names) for part in body)
    if kind == "or":
        return any(_possible(part, names) for part in body)
    return kind == "not" or bool(body)


def _needed(expression: Any) -> Iterator[str]:
    """The fields of all questions that can only be true of an event which has them, but for those that exclude."""
    kind, body = expression
    if kind == "is":
        field, op, arg = body[:3]
        if field is not None and op != "null" and not (op == "exists" and not arg):
            yield field
        if op == "ref":
            yield arg[0]
    elif kind in ("and", "or"):
        for part in body:
            yield from _needed(part)
