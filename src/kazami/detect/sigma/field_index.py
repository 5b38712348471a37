"""All questions that rules ask of one field, answered for many distinct values at once.

Literals of all rules go through one automaton (`automaton`), folded once; patterns with wildcards inside and
regular expressions are tried only on values that hold a literal they need; the rest (addresses, numbers, times) is
asked value by value. Answers are remembered from one batch to the next, because logs repeat themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from kazami.detect.sigma import plain
from kazami.detect.sigma.automaton import NUL, Automaton
from kazami.detect.sigma.expression import ANY, Predicate
from kazami.detect.sigma.required import required

#: Wildcard patterns with a shorter literal than this are tried on every value.
SHORTEST_PIECE = 2

Answers = tuple[int, ...]


class FieldIndex:
    """The predicates of one field, by number; of ops that need no other field and no absence."""

    def __init__(self, predicates: Iterable[tuple[int, Predicate]]) -> None:
        self.timeouts: Counter[int] = Counter()
        self._predicates = dict(predicates)
        self._folded: dict[str, list[int]] = {}
        self._cased: dict[str, list[int]] = {}
        self._unsure: set[int] = set()  # a literal was found: ask the predicate itself
        self._always: list[int] = []  # no literal is needed: ask for every value
        for number, predicate in self._predicates.items():
            self._place(number, predicate)
        self._automata = [Automaton(found) if found else None for found in (self._folded, self._cased)]
        self._memo: dict[str, dict[str, Answers]] = {}  # by column, of the batch before

    @property
    def literals(self) -> dict[str, list[int]]:
        """The folded literals that are looked for, anchored by NUL, with the predicates they answer."""
        return self._folded

    def _place(self, number: int, predicate: Predicate) -> None:
        if predicate.op == "match":
            self._place_pattern(number, predicate)
        elif predicate.op == "re":
            self._place_guarded(number, required(predicate.arg[0]))
        else:
            self._always.append(number)

    def _place_pattern(self, number: int, predicate: Predicate) -> None:
        fold: Callable[[str], str] = str if predicate.cased else str.casefold
        literal = _anchored(predicate.arg)
        if literal is not None:
            (self._cased if predicate.cased else self._folded).setdefault(fold(literal), []).append(number)
            return
        pieces = [fold(part) for part in predicate.arg if isinstance(part, str)]
        longest = max(pieces, key=len, default="")
        usable = len(longest) >= SHORTEST_PIECE and NUL not in longest
        self._place_guarded(number, frozenset({longest.casefold()}) if usable else None)

    def _place_guarded(self, number: int, literals: frozenset[str] | None) -> None:
        if literals is None or any(NUL in literal for literal in literals):
            self._always.append(number)
            return
        self._unsure.add(number)
        for literal in literals:
            self._folded.setdefault(literal, []).append(number)

    def answers(self, values: Sequence[str], column: str = "") -> list[Answers]:
        """For each value the numbers of the predicates that hold; `column` is where they stand."""
        memo = self._memo.get(column, {})
        unknown = list({value for value in values if value not in memo})
        fresh = dict(zip(unknown, self._search(unknown), strict=True)) if unknown else {}
        found = [fresh[value] if value in fresh else memo[value] for value in values]
        self._memo[column] = dict(zip(values, found, strict=True))
        return found

    def _search(self, values: list[str]) -> list[Answers]:
        odd = [value for value in values if NUL in value]
        if odd:
            return [self._one(value) if NUL in value else self._search([value])[0] for value in values]
        sure: list[set[int]] = [set() for _ in values]
        folded, cased = self._automata
        if folded is not None:
            for index, number in folded.search([value.casefold() for value in values]):
                if number in sure[index]:
                    continue
                if number not in self._unsure or self._holds(number, values[index]):
                    sure[index].add(number)
        if cased is not None:
            for index, number in cased.search(values):
                sure[index].add(number)
        for number in self._always:
            for index, value in enumerate(values):
                if self._holds(number, value):
                    sure[index].add(number)
        return [tuple(found) for found in sure]

    def _one(self, value: str) -> Answers:
        return tuple(number for number in self._predicates if self._holds(number, value))

    def _holds(self, number: int, value: str) -> bool:
        try:
            return plain.holds(self._predicates[number], value, {})
        except TimeoutError:
            self.timeouts[number] += 1
            return False


def _anchored(tokens: tuple[str | int, ...]) -> str | None:
    """The literal, with NUL where it is anchored, of a pattern that is one literal with or without outer ANY."""
    first, last = tokens[:1] == (ANY,), len(tokens) > 1 and tokens[-1] == ANY
    inner = tokens[1 if first else 0 : len(tokens) - 1 if last else len(tokens)]
    if len(inner) > 1 or not all(isinstance(part, str) for part in inner):
        return None
    text = str(inner[0]) if inner else ""
    if NUL in text or (not text and (first or last)):
        return None
    return ("" if first else NUL) + text + ("" if last else NUL)
