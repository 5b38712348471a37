"""What the rules of a scan cost over the events of a case: measured anew over a sample, since a scan does not stop its own work to time it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from kazami.detect.sigma.profile import Cost, profile
from kazami.detect.sigma.rule import Rule
from kazami.store.case import Case
from kazami.store.sample import sample

#: Events of each kind that are measured with.
EACH = 20_000


@dataclass(frozen=True, slots=True)
class Costs:
    """The cost of each rule that any of `events` concerned, the most expensive first."""

    events: int
    rows: list[Cost]

    @property
    def total(self) -> float:
        """Microseconds of all rules."""
        return sum(row.total for row in self.rows)


def costs(case: Case, rules: Sequence[Rule], each: int = EACH) -> Costs:
    """The cost of `rules` over at most `each` events of each kind. Raises CaseError where they cannot be read."""
    counted = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal counted
        for batch in sample(case, each):
            counted += batch.num_rows
            yield batch

    rows = [row for row in profile(rules, batches()) if row.events]
    return Costs(counted, rows)
