"""All questions that rules ask of one field, answered for many distinct values at once.

Literals of all rules go through one automaton (`automaton`), folded once; patterns with wildcards inside and
regular expressions are tried only on values that hold a literal they need; the rest (addresses, numbers, times) is
asked value by value. Answers are remembered from one batch to the next, because logs repeat themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from kazami.detect.sigma import plain
from kazami.detect.sigma.automaton import EDGE, Automaton, encoded
from kazami.detect.sigma.expression import ANY, Predicate
from kazami.detect.sigma.pattern import shape
from kazami.detect.sigma.regexp import compile_pattern
from kazami.detect.sigma.required import required

#: Wildcard patterns with a shorter literal than this are tried on every value.
SHORTEST_PIECE = 2

#: After so many values on which a regular expression ran out of time, it is not tried on others.
MOST_TIMEOUTS = 100

#: Columns whose answers are remembered: keywords are asked of all there are.
MOST_COLUMNS = 1000

Answers = tuple[int, ...]

_Asker = tuple[bool, Callable[[str], bool]]


class FieldIndex:
    """The predicates of one field, by number; of ops that need no other field and no absence."""

    def __init__(self, predicates: Iterable[tuple[int, Predicate]]) -> None:
        self.timeouts: Counter[int] = Counter()  # values on which a predicate found no answer in time
        self._tried: Counter[int] = Counter()  # how often it cost that time
        self._given_up: set[int] = set()
        self._predicates = dict(predicates)
        self._folded: dict[bytes, list[int]] = {}
        self._cased: dict[bytes, list[int]] = {}
        self._unsure: set[int] = set()  # a literal was found: ask the predicate itself
        self._askers: dict[int, _Asker] = {}
        self._always: list[int] = []  # no literal is needed: ask for every value
        for number, predicate in self._predicates.items():
            self._place(number, predicate)
        self._automata = [Automaton(found) if found else None for found in (self._folded, self._cased)]
        self._memo: dict[str, dict[str, Answers]] = {}  # by column, of the batch before

    @property
    def literals(self) -> dict[bytes, list[int]]:
        """The folded literals that are looked for, anchored by an `EDGE`, with the predicates they answer."""
        return self._folded

    def _place(self, number: int, predicate: Predicate) -> None:
        if predicate.op == "match":
            self._place_pattern(number, predicate)
        elif predicate.op == "re":
            self._place_guarded(number, required(predicate.arg[0]))
        else:
            self._always.append(number)

    def _place_pattern(self, number: int, predicate: Predicate) -> None:
        literal = _anchored(predicate.arg, predicate.cased)
        if literal is not None:
            (self._cased if predicate.cased else self._folded).setdefault(literal, []).append(number)
            return
        longest = max((part for part in predicate.arg if isinstance(part, str)), key=len, default="")
        usable = len(longest) >= SHORTEST_PIECE
        self._place_guarded(number, frozenset({longest.casefold()}) if usable else None)

    def _place_guarded(self, number: int, literals: frozenset[str] | None) -> None:
        if literals is None:
            self._always.append(number)
            return
        self._unsure.add(number)
        for literal in literals:
            self._folded.setdefault(encoded(literal), []).append(number)

    def answers(self, values: Sequence[str], column: str = "") -> list[Answers]:
        """For each value the numbers of the predicates that hold; `column` is where they stand."""
        memo = self._memo.get(column, {})
        unknown = list({value for value in values if value not in memo})
        fresh = dict(zip(unknown, self._search(unknown), strict=True)) if unknown else {}
        found = [fresh[value] if value in fresh else memo[value] for value in values]
        if len(self._memo) >= MOST_COLUMNS and column not in self._memo:
            self._memo.clear()  # evidence invents columns: each batch its own
        self._memo[column] = dict(zip(values, found, strict=True))
        return found

    def _search(self, values: list[str]) -> list[Answers]:
        sure: list[set[int]] = [set() for _ in values]
        folds = [value.casefold() for value in values]
        folded, cased = self._automata
        if folded is not None:
            for index, number in folded.search(folds):
                if number in sure[index]:
                    continue
                if number not in self._unsure or self._holds(number, values[index], folds[index]):
                    sure[index].add(number)
        if cased is not None:
            for index, number in cased.search(values):
                sure[index].add(number)
        for number in self._always:
            for index, value in enumerate(values):
                if self._holds(number, value, folds[index]):
                    sure[index].add(number)
        return [tuple(found) for found in sure]

    def _holds(self, number: int, value: str, folded: str) -> bool:
        """Whether a predicate holds; where its expression runs out of time too often, it is not tried any more."""
        if number in self._given_up:
            self.timeouts[number] += 1
            return False
        takes_folded, ask = self._askers.get(number) or self._asker(number)
        try:
            return ask(folded if takes_folded else value)
        except TimeoutError:
            self.timeouts[number] += 1
            self._tried[number] += 1
            if self._tried[number] >= MOST_TIMEOUTS:
                self._given_up.add(number)
            return False

    def _asker(self, number: int) -> _Asker:
        """The question of `plain.holds`, taken apart once; whether it is asked of the folded value."""
        predicate = self._predicates[number]
        ask: Callable[[str], bool] = partial(plain.holds, predicate, event={})
        if predicate.op == "match":
            ask = shape(predicate.arg, predicate.cased).holds
        elif predicate.op == "re":
            ask = compile_pattern(*predicate.arg).search
        found = self._askers[number] = (predicate.op == "match" and not predicate.cased, ask)
        return found


def _anchored(tokens: tuple[str | int, ...], cased: bool) -> bytes | None:
    """The literal, with an edge where it is anchored, of a pattern that is one literal with or without outer ANY."""
    first, last = tokens[:1] == (ANY,), len(tokens) > 1 and tokens[-1] == ANY
    inner = tokens[1 if first else 0 : len(tokens) - 1 if last else len(tokens)]
    if len(inner) > 1 or not all(isinstance(part, str) for part in inner):
        return None
    text = str(inner[0]) if inner else ""
    if not text and (first or last):
        return None
    whole = encoded(text if cased else text.casefold())
    return (b"" if first else EDGE) + whole + (b"" if last else EDGE)
