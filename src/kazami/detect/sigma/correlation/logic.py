"""The extended temporal condition (Sigma 2.2): ``a and not (b or c)`` over references to rules.

An expression is the tuple of `kazami.detect.sigma.expression`, with ``("is", reference)`` as leaves. Operators
may be written in any case, because the specification itself writes both. ``not`` binds tighter than ``and``,
``and`` tighter than ``or``. A reference is any text without blanks and parentheses: a name, or an id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from kazami.detect.sigma.expression import Expression

MAX_LENGTH = 10_000
MAX_DEPTH = 64
MAX_ALTERNATIVES = 256

_TOKEN = re.compile(r"[()]|[^\s()]+")
_WORDS = frozenset(("and", "or", "not"))


def parse(text: str) -> Expression:
    """The expression of a condition; raises ValueError with a reason where it cannot be read."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the condition is longer than {MAX_LENGTH} characters")
    parser = _Parser(_TOKEN.findall(text))
    expression = parser.alternatives(0)
    if parser.rest:
        raise ValueError(f"the condition has {parser.rest[-1]!r} where an operator or the end was expected")
    return expression


class _Parser:
    """Recursive descent over tokens, of which the next is last in `rest`."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.rest = list(reversed(tokens))

    def alternatives(self, depth: int) -> Expression:
        return self._joined("or", self._conjunction, depth)

    def _conjunction(self, depth: int) -> Expression:
        return self._joined("and", self._operand, depth)

    def _joined(self, word: str, part: Callable[[int], Expression], depth: int) -> Expression:
        parts = [part(depth)]
        while self.rest and self.rest[-1].lower() == word:
            self.rest.pop()
            parts.append(part(depth))
        return parts[0] if len(parts) == 1 else (word, tuple(parts))

    def _operand(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise ValueError(f"the condition is nested deeper than {MAX_DEPTH}")
        word = self.rest.pop() if self.rest else ""
        if word.lower() == "not":
            return ("not", self._operand(depth + 1))
        if word == "(":
            inner = self.alternatives(depth + 1)
            if not self.rest or self.rest.pop() != ")":
                raise ValueError("the condition lacks a closing parenthesis")
            return inner
        if not word or word == ")" or word.lower() in _WORDS:
            raise ValueError(f"the condition has {word or 'its end'!r} where a rule was expected")
        return ("is", word)


def references(expression: Expression) -> list[str]:
    """What the leaves refer to, in order of first appearance, each once."""
    kind, body = expression
    if kind == "is":
        return [body]
    if kind == "not":
        return references(body)
    return list(dict.fromkeys(name for part in body for name in references(part)))


def renamed(expression: Expression, names: Mapping[str, str]) -> Expression:
    """The expression with each reference replaced by what `names` has for it; raises KeyError."""
    kind, body = expression
    if kind == "is":
        return (kind, names[body])
    if kind == "not":
        return (kind, renamed(body, names))
    return (kind, tuple(renamed(part, names) for part in body))


def value(expression: Expression, present: Mapping[str, Any]) -> Any:
    """The expression over booleans, or over boolean arrays of equal length, one a reference."""
    kind, body = expression
    if kind == "is":
        return present[body]
    if kind == "not":
        return value(body, present) ^ True
    result = value(body[0], present)
    for part in body[1:]:
        result = result & value(part, present) if kind == "and" else result | value(part, present)
    return result


class Alternative(NamedTuple):
    """One way to make an expression true: these all occur, and those do not."""

    wanted: frozenset[str]
    absent: frozenset[str]


def alternatives(expression: Expression) -> list[Alternative]:
    """All smallest ways to make the expression true; raises ValueError where they are too many."""
    return _alternatives(expression, positive=True)


def _alternatives(expression: Expression, positive: bool) -> list[Alternative]:
    kind, body = expression
    if kind == "is":
        one, none = frozenset((body,)), frozenset[str]()
        return [Alternative(one, none) if positive else Alternative(none, one)]
    if kind == "not":
        return _alternatives(body, not positive)
    parts = [_alternatives(part, positive) for part in body]
    if (kind == "or") == positive:
        return _smallest([way for ways in parts for way in ways])
    found = [Alternative(frozenset(), frozenset())]
    for ways in parts:
        joined = [Alternative(a.wanted | b.wanted, a.absent | b.absent) for a, b in product(found, ways)]
        found = _smallest(joined)
    return found


def _smallest(ways: list[Alternative]) -> list[Alternative]:
    """Without those that contradict themselves, and those that ask for more than another."""
    kept: list[Alternative] = []
    for way in sorted(set(ways), key=lambda w: (len(w.wanted) + len(w.absent), sorted(w.wanted))):
        clash = way.wanted & way.absent
        if not clash and not any(k.wanted <= way.wanted and k.absent <= way.absent for k in kept):
            kept.append(way)
        if len(kept) > MAX_ALTERNATIVES:
            raise ValueError(f"the condition has more than {MAX_ALTERNATIVES} alternatives")
    return kept
