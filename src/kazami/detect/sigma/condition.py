"""Conditions: ``selection and not 1 of filter_*`` over the named selections of a rule.

Grammar of specification 2.1, weakest first: or, and, not, "x of", parentheses. Operators may be written in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from kazami.detect.sigma.expression import Expression
from kazami.detect.sigma.fault import Fault

_DEEPEST = 100  # parentheses and nots around one selection
_LONGEST = 20_000  # words of a condition
_WORD = re.compile(r"[()]|[^\s()]+")
_QUANTIFIERS = {"1": "or", "any": "or", "all": "and"}


def parse(condition: str, selections: Mapping[str, Expression]) -> Expression:
    """The expression that `condition` makes of `selections`. Raises `Fault`."""
    if "|" in condition:
        raise Fault("aggregation after '|' is no longer part of Sigma: write a correlation rule")
    words = _WORD.findall(condition)
    if not words:
        raise Fault("the condition is empty")
    if len(words) > _LONGEST:
        raise Fault(f"a condition of {len(words)} words; at most {_LONGEST} are read")
    reader = _Reader(words, selections)
    expression = reader.alternatives(0)
    if reader.word is not None:
        raise Fault(f"the condition makes no sense from '{reader.word}' on ({reader.place})")
    return expression


def chosen(pattern: str, names: Mapping[str, object]) -> list[str]:
    """The names that a pattern after "of" stands for: ``*`` is any text; ``_`` names only if it starts so itself."""
    wanted = "*" if pattern == "them" else pattern
    # fnmatch knows more than Sigma: only the star may mean something
    glob = re.sub(r"[\[?]", lambda found: f"[{found[0]}]", wanted)
    hidden = pattern.startswith("_")
    return [name for name in names if fnmatchcase(name, glob) and (hidden or not name.startswith("_"))]


class _Reader:
    """A recursive descent over the words."""

    def __init__(self, words: list[str], selections: Mapping[str, Expression]) -> None:
        self._words = words
        self._selections = selections
        self._at = 0

    @property
    def word(self) -> str | None:
        return self._words[self._at] if self._at < len(self._words) else None

    @property
    def place(self) -> str:
        return f"word {self._at + 1} of '{' '.join(self._words)[:200]}'"

    def _is(self, operator: str) -> bool:
        word = self.word
        return word is not None and word.lower() == operator and word in (operator, operator.upper())

    def _joined(self, operator: str, operands: list[Expression]) -> Expression:
        return operands[0] if len(operands) == 1 else (operator, tuple(operands))

    def alternatives(self, depth: int) -> Expression:
        """One or more operands between "or"."""
        operands = [self._all_of(depth)]
        while self._is("or"):
            self._at += 1
            operands.append(self._all_of(depth))
        return self._joined("or", operands)

    def _all_of(self, depth: int) -> Expression:
        operands = [self._negation(depth)]
        while self._is("and"):
            self._at += 1
            operands.append(self._negation(depth))
        return self._joined("and", operands)

    def _negation(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise Fault(f"a condition nested deeper than {_DEEPEST}")
        if self._is("not"):
            self._at += 1
            return ("not", self._negation(depth + 1))
        return self._operand(depth)

    def _operand(self, depth: int) -> Expression:
        word = self.word
        if word == "(":
            self._at += 1
            inner = self.alternatives(depth + 1)
            if self.word != ")":
                raise Fault(f"a closing parenthesis is missing ({self.place})")
            self._at += 1
            return inner
        if word is None or word == ")" or word.lower() in ("and", "or"):
            raise Fault(f"a selection is missing ({self.place})")
        following = self._words[self._at + 1 : self._at + 3]
        if following and following[0].lower() == "of":
            return self._quantified(word, following)
        self._at += 1
        if word not in self._selections:
            hint = ": write '1 of' or 'all of' before it" if "*" in word else ""
            raise Fault(f"the condition names '{word}', which the rule does not define{hint}")
        return self._selections[word]

    def _quantified(self, quantifier: str, following: list[str]) -> Expression:
        operator = _QUANTIFIERS.get(quantifier.lower())
        if operator is None:
            raise Fault(f"'{quantifier} of' is not part of Sigma: 1 of, any of, all of ({self.place})")
        if len(following) < 2 or following[1] in "()":
            raise Fault(f"'{quantifier} of' what? ({self.place})")
        names = chosen(following[1], self._selections)
        if not names:
            raise Fault(f"'{quantifier} of {following[1]}' stands for no selection of the rule")
        self._at += 3
        return self._joined(operator, [self._selections[name] for name in names])
