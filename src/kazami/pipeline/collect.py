"""What workers give, into the case."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from kazami.detect.sigma.assertion import MATCH
from kazami.engine import memory
from kazami.engine.local import Done, Lost, Pool
from kazami.model.event import REJECT
from kazami.model.finding import FINDING
from kazami.model.result import EvidenceRow
from kazami.pipeline.request import Observer, Result
from kazami.pipeline.task import Part, Task, Unit, tasks, unpacked
from kazami.sources import walk
from kazami.store import case as store
from kazami.store.run import Run

#: Events, and seconds, after which what waits is committed. A commit costs some 30 milliseconds, however little is
#: in it; what the parent had not committed when it died is done again by the next scan.
EVENTS, SECONDS = 40_000, 2.0


class Collector:
    """Takes what the workers of one scan give; several units share a commit."""

    def __init__(self, run: Run, result: Result, observer: Observer) -> None:
        self._run, self._result, self._observer = run, result, observer
        self._failed: set[Part] = set()  # the next scan tries them again
        self._waiting: list[Done[Task, Unit]] = []
        self._last = time.monotonic()

    def collect(self, pool: Pool[Task, Unit], todo: Iterable[Part]) -> None:
        """Everything, until all is done; what came before an exception is committed as well."""
        try:
            for outcome in pool.run(tasks(todo), self._observer.tick):
                if isinstance(outcome, Lost):
                    for part in outcome.task:
                        self._give_up(part, outcome.reason)
                else:
                    self._take(outcome)
        finally:
            self._commit()

    def _take(self, outcome: Done[Task, Unit]) -> None:
        unit, result = outcome.result, self._result
        covered = [part for task in outcome.covered for part in task]
        self._failed.update(unit.failed)
        self._waiting.append(outcome)
        waiting = sum(one.result.events for one in self._waiting)
        if waiting >= EVENTS or time.monotonic() - self._last >= SECONDS:
            self._commit()
        result.events += unit.events
        result.found += unit.found
        result.timeouts.update(unit.timeouts)
        result.undated.update(unit.undated)
        name = covered[-1].path if covered else unit.touched[-1].path if unit.touched else ""
        self._observer.advance(sum(part.bytes for part in covered), unit.events, unit.found, name)

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            units = [outcome.result for outcome in waiting]
            covered = [part for outcome in waiting for task in outcome.covered for part in task]
            touched = [part for unit in units for part in unit.touched]
            done = {key(part) for part in covered if part not in self._failed}
            self._run.commit(
                parts=done,
                open_parts={key(part) for part in touched if part not in self._failed} - done,
                segments=[segment for unit in units for segment in unit.segments],
                findings=pa.concat_tables([unpacked(unit.findings, FINDING) for unit in units]),
                matches=pa.concat_tables([unpacked(unit.fuel, MATCH) for unit in units]),
                rejects=pa.concat_tables([unpacked(unit.rejects, REJECT) for unit in units]),
                evidence=[row for unit in units for row in unit.evidence],
            )
            del units, waiting
            memory.give_back()
        self._last = time.monotonic()

    def _give_up(self, part: Part, reason: str) -> None:
        """A file that no worker survives is reported like any that cannot be read; what it gave before is kept."""
        self._result.lost.append((part.path, reason))
        name, said = walk.named(part.path), f"reading it ended the worker twice: {reason}"
        place = "" if part.stop is None else f"byte {part.start:,} to {part.stop:,}"
        row = EvidenceRow(part.uid, name, part.tenant, "", part.size, 0, 0, 0, "unreadable", said)
        self._commit()
        self._run.commit(evidence=[row], rejects=_rejects([(part.uid, name, place, said)]))
        self._observer.advance(part.bytes, 0, 0, part.path)


def note_unreadable(run: Run, rows: Sequence[dict[str, Any]], tenant: str) -> None:
    """What was found not to be a readable file before any worker saw it."""
    if not rows:
        return
    evidence = [
        EvidenceRow(
            "",
            row["name"],
            tenant,
            "",
            0,
            0,
            0,
            0,
            "unreadable" if row["count"] else "skipped",
            row["reason"],
        )
        for row in rows
    ]
    run.commit(evidence=evidence, rejects=pa.Table.from_pylist(list(rows), REJECT))


def key(part: Part) -> store.Part:
    """The part as the case knows it."""
    return store.Part(part.uid, part.start, part.stop, part.tenant)


def _rejects(rows: Sequence[tuple[str, str, str, str]]) -> pa.Table:
    names = ("evidence", "name", "place", "reason")
    return pa.Table.from_pylist(
        [{**dict(zip(names, row, strict=True)), "count": 1, "sample": None} for row in rows], REJECT
    )
