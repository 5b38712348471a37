"""What workers have sent, on its way into the case.

A commit costs some 30 milliseconds however little is in it, so several units share one. What dies with the
parent before its commit is done again by the next scan.
"""

from __future__ import annotations

import time
from collections import Counter

import pyarrow as pa

from kazami.detect.sigma.assertion import MATCH
from kazami.engine.local import Done
from kazami.model.event import REJECT
from kazami.model.finding import FINDING
from kazami.pipeline.task import Part, Task, Unit, unpacked
from kazami.store import case as store
from kazami.store.run import Run

#: Events, and seconds, after which what waits is committed.
EVENTS, SECONDS = 100_000, 2.0


class Ledger:
    """Gathers units and commits them together; `events` and `found` count all that were added."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._waiting: list[Done[Task, Unit]] = []
        self._events = 0
        self._last = time.monotonic()
        self.events = 0
        self.found = 0
        self.timeouts: Counter[str] = Counter()

    def add(self, outcome: Done[Task, Unit]) -> None:
        """Take a unit; commit if enough waits, or it waits long enough."""
        unit = outcome.result
        self._waiting.append(outcome)
        self._events += unit.events
        self.events += unit.events
        self.found += unit.found
        self.timeouts.update(unit.timeouts)
        if self._events >= EVENTS or time.monotonic() - self._last >= SECONDS:
            self.write()

    def write(self) -> None:
        """Commit what waits."""
        waiting, self._waiting, self._events = self._waiting, [], 0
        if waiting:
            units = [outcome.result for outcome in waiting]
            done = {key(part) for outcome in waiting for task in outcome.covered for part in task}
            self._run.commit(
                parts=done,
                open_parts={key(part) for unit in units for part in unit.touched} - done,
                segments=[segment for unit in units for segment in unit.segments],
                findings=pa.concat_tables([unpacked(unit.findings, FINDING) for unit in units]),
                matches=pa.concat_tables([unpacked(unit.fuel, MATCH) for unit in units]),
                rejects=pa.concat_tables([unpacked(unit.rejects, REJECT) for unit in units]),
                evidence=[row for unit in units for row in unit.evidence],
            )
        self._last = time.monotonic()


def key(part: Part) -> store.Part:
    """A part as the case knows it."""
    return store.Part(part.uid, part.start, part.stop, part.tenant)
