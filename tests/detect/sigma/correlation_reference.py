"""What correlations mean, the slow way: sets and loops over single matches, nothing shared with the fast way.

A match is a dict with rule, uid, time (microseconds or None), tenant and fields (dict). The result of `hits` is, per
correlation, a list of dicts that can be compared with `kazami.detect.sigma.correlation.Hit`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

from kazami.detect.sigma.rule import Correlation

Match = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Member:
    """Something that a correlation counts: a match, or an event of a hit at one of its moments."""

    time: int
    match: Match
    occurrence: tuple[Any, ...]
    giver: tuple[Any, ...]
    origin: tuple[Correlation, str, Member] | None = (
        None  # inner correlation, which of its rules, member there
    )
    rule: str = ""

    def text(self, name: str, alias: dict[str, str]) -> str | None:
        if self.origin is None:
            field = alias.get(self.rule, name)
            own: str | None = self.match["fields"].get(field)
            return self.match.get(field) if own is None and field in ("host", "user", "logon_id") else own
        inner, member = self.origin
        if inner.info.id in alias:
            name, alias = alias[inner.info.id], {}
        return member.text(name, {**inner.aliases.get(name, {}), **alias})


@dataclass(frozen=True, eq=False)
class Entry:
    member: Member
    step: int
    values: tuple[Any, ...]

    @property
    def time(self) -> int:
        return self.member.time


def hits(correlations: list[Correlation], matches: list[Match]) -> list[list[dict[str, Any]]]:
    matches = [match | {"time": _earliest(match, matches)} for match in matches]
    members: dict[str, list[Member]] = {}
    for match in matches:
        if match["time"] is not None:
            event = ("event", match["tenant"], match["uid"])
            members.setdefault(match["rule"], []).append(
                Member(match["time"], match, event, event, rule=match["rule"])
            )
    results = []
    for correlation in correlations:
        found = []
        for number, (moments, entries, best) in enumerate(_episodes(correlation, members)):
            found.append(_hit(correlation, entries, best))
            members.setdefault(correlation.info.id, []).extend(
                Member(
                    min(moment for moment in moments if moment >= entry.time),
                    entry.member.match,
                    (correlation.info.id, number),
                    (correlation.info.id, number, entry.member.match["uid"]),
                    (correlation, entry.member),
                )
                for entry in entries
            )
        results.append(found)
    return results


def _earliest(match: Match, matches: list[Match]) -> int | None:
    same = [m["time"] for m in matches if (m["uid"], m["tenant"]) == (match["uid"], match["tenant"])]
    return min((time for time in same if time is not None), default=None)


def _episodes(correlation: Correlation, members: dict[str, list[Member]]) -> list[Any]:
    groups: dict[Any, list[Entry]] = {}
    for step, rule in enumerate(correlation.rules):
        for member in members.get(rule, []):
            key = [member.text(n, correlation.aliases.get(n, {})) for n in correlation.group_by]
            values = [member.text(n, correlation.aliases.get(n, {})) for n in correlation.fields]
            if None in key or None in values:
                continue
            numeric = correlation.type.startswith("value_") and correlation.type != "value_count"
            counted = tuple(_number(v) if numeric else v.casefold() for v in values if v is not None)
            if None not in counted:
                group = (member.match["tenant"], *(k.casefold() for k in key if k is not None))
                groups.setdefault(group, []).append(Entry(member, step, counted))
    return [episode for entries in groups.values() for episode in _of_group(correlation, entries)]


def _of_group(correlation: Correlation, entries: list[Entry]) -> list[Any]:
    span = round(correlation.timespan * 1_000_000)
    windows = {
        frozenset(e for e in entries if end - span <= e.time <= end) for end in {e.time for e in entries}
    }
    full = [w for w in windows if not any(w < other for other in windows)]
    met = [w for w in full if _holds(correlation, w)]
    moments = {max(e.time for e in w) for w in met}
    if _cannot_be_lost(correlation):
        moments = {max(e.time for e in w) for w in windows if _holds(correlation, w)}
    joined: list[list[frozenset[Entry]]] = []
    for window in met:
        touching = [j for j in joined if any(window & other for other in j)]
        joined = [j for j in joined if j not in touching]
        joined.append([window, *(w for j in touching for w in j)])
    result = []
    for together in joined:
        measures = [_measure(correlation, w) for w in together]
        falling = correlation.condition and all(op in ("lt", "lte") for op, _ in correlation.condition)
        everything = list(frozenset().union(*together))
        result.append((moments, everything, min(measures) if falling else max(measures)))
    return result


def _cannot_be_lost(correlation: Correlation) -> bool:
    """Whether a larger window always keeps the condition; by name, as the decision record lists them."""
    operators = {op for op, _ in correlation.condition}
    if correlation.expression is not None:
        return "not" not in str(correlation.expression)
    if correlation.type in ("event_count", "value_count", "temporal", "temporal_ordered", "value_max"):
        return operators <= {"gt", "gte"}
    return correlation.type == "value_min" and operators <= {"lt", "lte"}


def _holds(correlation: Correlation, window: frozenset[Entry]) -> bool:
    if correlation.expression is not None:
        return _expressed(correlation, window)
    measure = _measure(correlation, window)
    tests = {
        "gt": measure.__gt__,
        "gte": measure.__ge__,
        "lt": measure.__lt__,
        "lte": measure.__le__,
        "eq": measure.__eq__,
        "neq": lambda number: measure != number,
    }
    return all(tests[op](Fraction(str(number))) for op, number in correlation.condition)


def _expressed(correlation: Correlation, window: frozenset[Entry]) -> bool:
    present = {correlation.rules[e.step] for e in window}
    if correlation.type == "temporal":
        return _true(correlation.expression, present, present)
    return any(
        _in_order(steps, window)
        and _true(correlation.expression, {correlation.rules[step] for step in steps}, present)
        for steps in _subsets(len(correlation.rules))
    )


def _true(expression: Any, chosen: set[str], present: set[str], positive: bool = True) -> bool:
    """The expression with its negations at the leaves: `chosen` for what is wanted, `present` for what must not be."""
    kind, body = expression
    if kind == "is":
        return body in chosen if positive else body not in present
    if kind == "not":
        return _true(body, chosen, present, not positive)
    parts = [_true(part, chosen, present, positive) for part in body]
    return all(parts) if (kind == "and") == positive else any(parts)


def _subsets(size: int) -> list[tuple[int, ...]]:
    return [steps for length in range(size + 1) for steps in combinations(range(size), length)]


def _in_order(steps: tuple[int, ...], window: frozenset[Entry]) -> bool:
    time = -math.inf
    for step in steps:
        later = [e.time for e in window if e.step == step and e.time >= time]
        if not later:
            return False
        time = min(later)
    return True


def _measure(correlation: Correlation, window: frozenset[Entry]) -> Fraction:
    kind = correlation.type
    if kind == "event_count":
        return Fraction(len({e.member.occurrence for e in window}))
    if kind == "value_count":
        return Fraction(len({e.values for e in window}))
    if kind == "temporal" or correlation.expression is not None:
        return Fraction(len({e.step for e in window}))
    if kind == "temporal_ordered":
        ways = _subsets(len(correlation.rules))
        return Fraction(max(len(steps) for steps in ways if _in_order(steps, window)))
    given = {(e.member.giver, e.time, e.values) for e in window}
    numbers = sorted(values[0] for _, _, values in given)
    if kind == "value_sum":
        return Fraction(sum(numbers))
    if kind == "value_avg":
        return Fraction(sum(numbers)) / len(numbers)
    share = {"value_median": 50.0, "value_min": 0.0, "value_max": 100.0}.get(kind, correlation.percentile)
    rank = Fraction(str(share)) / 100 * (len(numbers) - 1)
    low, high = numbers[math.floor(rank)], numbers[math.ceil(rank)]
    return Fraction(low + (high - low) * (rank - math.floor(rank)))


def _number(text: str) -> Fraction | None:
    try:
        return Fraction(int(text, 16)) if text.startswith("0x") else Fraction(text)
    except ValueError:
        return None


def _hit(correlation: Correlation, entries: list[Entry], best: Fraction) -> dict[str, Any]:
    matches = [e.member.match for e in entries]
    counted = {(e.step, e.member.occurrence) for e in entries}
    steps = [step for step, _ in counted]
    first = entries[0].member
    return {
        "rule": correlation.info.id,
        "tenant": first.match["tenant"],
        "group": {
            n: str(first.text(n, correlation.aliases.get(n, {}))).casefold() for n in correlation.group_by
        },
        "first": min(m["time"] for m in matches),
        "last": max(m["time"] for m in matches),
        "event_uids": tuple(uid for _, uid in sorted({(m["time"], m["uid"]) for m in matches})),
        "measured": best,
        "matches": {rule: steps.count(step) for step, rule in enumerate(correlation.rules) if step in steps},
    }
