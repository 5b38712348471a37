"""Which predicates of a rule must be looked at first.

A *witness set* of an expression is a set of predicates of which at least one is true whenever the expression is.
A rule none of whose witnesses holds anywhere in a batch need not be evaluated: with thousands of rules that is
nearly all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from kazami.detect.sigma.expression import Expression, Predicate
from kazami.detect.sigma.required import required

#: Predicates that say nothing positive about a value cannot be witnesses.
_NEVER = frozenset({"null", "exists"})


def witnesses(expression: Expression, numbers: Mapping[Predicate, int]) -> frozenset[int] | None:
    """The cheapest witness set found, as numbers of predicates; None where every event must be asked."""
    found = _find(expression)
    return None if found is None else frozenset(numbers[predicate] for predicate in found[0])


def _find(expression: Expression) -> tuple[frozenset[Predicate], float] | None:
    """A witness set with its cost: how often, by a guess from its words, it will hold in vain."""
    kind, body = expression
    if kind == "is":
        return None if body.op in _NEVER else (frozenset({body}), _cost(body))
    if kind == "and":
        known = [found for found in map(_find, body) if found is not None]
        return min(known, key=lambda found: found[1]) if known else None
    if kind == "or":
        parts = [_find(part) for part in body]
        if any(part is None for part in parts):
            return None
        union = frozenset().union(*(part[0] for part in parts if part))
        return union, sum(part[1] for part in parts if part)
    if kind == "const" and not body:
        return frozenset(), 0.0
    return None


def words(expression: Expression) -> frozenset[str] | None:
    """Literals, case-folded, of which one stands in some folded value of every event that makes the expression true.

    None where none are known. No field is named: a search for them finds too much, never too little.
    """
    found = _words(expression)
    return None if found is None else found[0]


def _words(expression: Expression) -> tuple[frozenset[str], float] | None:
    """The literals of a witness set that has some for each of its predicates, with its cost."""
    kind, body = expression
    if kind == "is":
        literals = _literals(body)
        return None if literals is None else (literals, sum(100.0 / (1 + len(one)) for one in literals))
    if kind == "and":
        known = [found for found in map(_words, body) if found is not None]
        return min(known, key=lambda found: found[1]) if known else None
    if kind == "or":
        parts = [_words(part) for part in body]
        if any(part is None for part in parts):
            return None
        return frozenset().union(*(part[0] for part in parts if part)), sum(part[1] for part in parts if part)
    if kind == "const" and not body:
        return frozenset(), 0.0
    return None


def _literals(predicate: Predicate) -> frozenset[str] | None:
    if predicate.op == "re":
        return required(predicate.arg[0])
    if predicate.op != "match":
        return None
    longest = max((part for part in predicate.arg if isinstance(part, str)), key=len, default="")
    return frozenset({longest.casefold()}) if longest else None


def _cost(predicate: Predicate) -> float:
    if predicate.op == "match":
        length = sum(len(part) for part in predicate.arg if isinstance(part, str))
        return 1000.0 if length == 0 else 100.0 / (1 + length)
    return 20.0 if predicate.op in ("re", "cidr", "ref") else 60.0
