"""What each rule costs: its own evaluation, and its share of the questions asked of fields.

Questions are shared: a literal that ten rules look for is looked for once. So the time that the questions of a field
took is divided among them by count, and each question's part among the rules that ask it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter_ns

import pyarrow as pa

from kazami.detect.sigma.expression import predicates
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


def profile(rules: Iterable[Rule], batches: Iterable[pa.RecordBatch]) -> list[Cost]:
    """The cost of every rule over `batches`, the most expensive first."""
    known = list(rules)
    costs = {id(rule): Cost(rule.info) for rule in known}
    matcher = Matcher(known)
    for batch in batches:
        program = matcher.program(Route.of(batch).sources)
        if program.rules and batch.num_rows:
            _measure(program, batch, costs)
    return sorted(costs.values(), key=lambda cost: -cost.total)


def _measure(program: Program, batch: pa.RecordBatch, costs: dict[int, Cost]) -> None:
    start = perf_counter_ns()
    columns = Batch(batch, program)
    _share(program, (perf_counter_ns() - start) / 1000, costs)
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


def _share(program: Program, time: float, costs: dict[int, Cost]) -> None:
    asked = [(rule, set(predicates(rule.condition))) for rule in program.rules]
    askers = Counter(predicate for _, wanted in asked for predicate in wanted)
    each = time / max(1, len(askers))
    for rule, wanted in asked:
        costs[id(rule)].shared += sum(each / askers[predicate] for predicate in wanted)
