"""What each rule costs: its own evaluation, and its share of the questions asked of fields.

Questions are shared: a literal that ten rules look for is looked for once. A question that has to be tried value by
value (a regular expression, a pattern with wildcards inside, a number) is timed by itself; what is left of the time of
a field is divided among its questions by count. Each question's time is divided among the rules that ask it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns

import pyarrow as pa

from kazami.detect.sigma.expression import Predicate, predicates
from kazami.detect.sigma.field_index import Answers, FieldIndex
from kazami.detect.sigma.match import Batch, Matcher, Program
from kazami.detect.sigma.rule import Rule
from kazami.model.event import Route
from kazami.model.rule import RuleInfo


@dataclass(slots=True)
class Cost:
    """One rule: how often it was evaluated and true, and its time in microseconds."""

    rule: RuleInfo
    batches: int = 0
    events: int = 0
    evaluations: int = 0
    matches: int = 0
    own: float = 0.0
    shared: float = 0.0

    @property
    def total(self) -> float:
        """Microseconds altogether."""
        return self.own + self.shared


class TimedIndex(FieldIndex):
    """An index that knows what its questions cost, in nanoseconds."""

    def __init__(self, predicates: Iterable[tuple[int, Predicate]]) -> None:
        super().__init__(predicates)
        self._alone: Counter[int] = Counter()
        self._together = 0

    def answers(self, values: Sequence[str], column: str = "") -> list[Answers]:
        before, start = self._alone.total(), perf_counter_ns()
        found = super().answers(values, column)
        self._together += perf_counter_ns() - start - (self._alone.total() - before)
        return found

    def _holds(self, number: int, value: str, folded: str) -> bool:
        start = perf_counter_ns()
        found = super()._holds(number, value, folded)
        self._alone[number] += perf_counter_ns() - start
        return found

    def costs(self) -> dict[int, float]:
        """Microseconds of each question, by its number."""
        each = self._together / max(1, len(self._predicates))
        return {number: (self._alone[number] + each) / 1000 for number in self._predicates}


def profile(rules: Iterable[Rule], batches: Iterable[pa.RecordBatch]) -> list[Cost]:
    """The cost of every rule over `batches`, the most expensive first."""
    known = list(rules)
    costs = {id(rule): Cost(rule.info) for rule in known}
    matcher = Matcher(known, TimedIndex)
    asked: dict[int, Program] = {}
    for batch in batches:
        program = matcher.program(Route.of(batch).sources)
        if program.rules and batch.num_rows:
            asked[id(program)] = program
            _measure(program, batch, costs)
    for program in asked.values():
        _share(program, costs)
    return sorted(costs.values(), key=lambda cost: -cost.total)


def _measure(program: Program, batch: pa.RecordBatch, costs: dict[int, Cost]) -> None:
    columns = Batch(batch, program)
    candidates = program.candidates(columns)
    for number, rule in enumerate(program.rules):
        cost = costs[id(rule)]
        cost.batches += 1
        cost.events += batch.num_rows
        if number in candidates:
            start = perf_counter_ns()
            cost.matches += columns.evaluate(rule.condition).bit_count()
            cost.own += (perf_counter_ns() - start) / 1000
            cost.evaluations += 1


def _share(program: Program, costs: dict[int, Cost]) -> None:
    """Divide what the questions of a program took among its rules."""
    taken: dict[int, float] = {}
    for field in {predicate.field for predicate in program.predicates}:
        if isinstance(index := program.index(field), TimedIndex):
            taken |= index.costs()
    asking = [(rule, {program.numbers[one] for one in predicates(rule.condition)}) for rule in program.rules]
    askers = Counter(number for _, numbers in asking for number in numbers)
    for rule, numbers in asking:
        costs[id(rule)].shared += sum(taken.get(number, 0.0) / askers[number] for number in numbers)
