"""The main job: evidence and rules in, a case with findings out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from kazami import __version__, packs
from kazami.config import Settings
from kazami.detect.sigma import correlation
from kazami.detect.sigma.blind import blind
from kazami.detect.sigma.load import load
from kazami.detect.sigma.rule import RuleSet
from kazami.engine.local import Lost, Pool
from kazami.model.event import REJECT
from kazami.model.result import EvidenceRow
from kazami.pipeline.ledger import Ledger, key
from kazami.pipeline.parts import left, parts
from kazami.pipeline.reader import Orders, Reader, sources
from kazami.pipeline.task import Part, Task, Unit, divide, tasks
from kazami.sources import walk
from kazami.store import case as store
from kazami.store.run import Run
from kazami.store.schema import MATCH as MATCHES
from kazami.store.seen import seen


@dataclass(frozen=True, slots=True)
class Request:
    """What to scan, with what, into which case. `since` and `until` are microseconds in UTC."""

    evidence: Sequence[Path]
    case: Path
    rules: Sequence[Path] = ()
    packs: Sequence[str] | None = None
    tenant: str = "default"
    tenant_from_folder: bool = False  # the folders right inside a folder of evidence name the tenants
    since: int | None = None
    until: int | None = None
    workers: int = 1
    command: str = ""
    settings: Settings = field(default_factory=Settings)


@dataclass(slots=True)
class Result:
    """How a scan ended; everything else is in the case."""

    case: Path
    rules: RuleSet
    parts: int = 0
    skipped: int = 0  # parts that an earlier scan had done
    events: int = 0
    found: int = 0
    lost: list[tuple[str, str]] = field(default_factory=list)  # what killed its worker, and how
    notes: list[str] = field(default_factory=list)
    stopped: bool = False


class Observer(Protocol):
    """Who wants to see a scan go on."""

    def begin(self, files: int, size: int) -> None:
        """So many files and bytes are to be read."""
        ...

    def advance(self, size: int, events: int, findings: int, name: str) -> None:
        """So many bytes more are done, the last of them in the file `name`."""
        ...

    def tick(self) -> None:
        """Some time has passed."""
        ...


def rules_of(request: Request) -> RuleSet:
    """The rules a request asks for: its packs (all of them by default), and the folders and files it names."""
    names = request.packs if request.packs is not None else request.settings.packs
    chosen = [packs.find(name) / "rules" for name in (packs.names() if names is None else names)]
    paths = [*chosen, *request.settings.rules, *request.rules]
    return load(
        paths,
        placeholders=request.settings.placeholders,
        cache=request.settings.cache,
        workers=request.workers,
    )


def scan(request: Request, observer: Observer) -> Result:
    """Read, match, store, correlate. What an interrupted scan of the same case has done is not done again.

    Raises UsageError and CaseError; evidence never raises, it is reported in the case. On KeyboardInterrupt what is
    finished is kept, and the result says that it stopped.
    """
    rules = rules_of(request)
    files, unreadable = walk.list_files(
        request.evidence, tenant=request.tenant, tenant_from_folder=request.tenant_from_folder
    )
    sources()
    orders = Orders(
        request.case,
        rules.rules,
        {rule: frozenset(names) for rule, names in correlation.needed_fields(rules.correlations).items()},
        request.settings.passwords,
        request.since,
        request.until,
    )
    workers = max(1, min(request.workers, len(files)))
    with (
        Pool[Task, Unit](partial(Reader, orders), divide, workers=workers) as pool,
        store.Case.open(request.case, create=True, command=request.command or "kazami scan") as case,
    ):
        ruleset = f"{rules.version}:{request.since}:{request.until}"
        run = case.begin(
            version=__version__,
            command=request.command,
            ruleset=ruleset,
            rules=[rule.info for rule in rules.rules] + [one.info for one in rules.correlations],
            rejected=rules.rejected,
        )
        _note_unreadable(run, unreadable, request.tenant)
        result = Result(request.case, rules)
        stored = case.stored_parts() if request.since is None and request.until is None else set()
        todo = list(parts(files))
        open_parts = list(left(todo, case.done_parts(ruleset), stored))
        result.parts, result.skipped = len(todo), len(todo) - len(open_parts)
        observer.begin(len({part.path for part in open_parts}), sum(part.bytes for part in open_parts))
        try:
            _collect(pool, open_parts, run, result, observer)
        except KeyboardInterrupt:
            result.stopped = True
            result.notes.append("stopped before all evidence was read; the same command goes on from here")
        finally:
            pool.stop()
        _finish(case, run, rules, result)
    return result


def _note_unreadable(run: Run, unreadable: Sequence[dict[str, Any]], tenant: str) -> None:
    rows = [
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
        for row in unreadable
    ]
    if rows:
        run.commit(evidence=rows, rejects=pa.Table.from_pylist(list(unreadable), REJECT))


def _collect(
    pool: Pool[Task, Unit], todo: Iterable[Part], run: Run, result: Result, observer: Observer
) -> None:
    ledger = Ledger(run)
    try:
        for outcome in pool.run(tasks(todo), observer.tick):
            if isinstance(outcome, Lost):
                _give_up(outcome, run, result)
                continue
            ledger.add(outcome)
            unit = outcome.result
            covered = [part for task in outcome.covered for part in task]
            name = covered[-1].path if covered else unit.touched[-1].path if unit.touched else ""
            observer.advance(sum(part.bytes for part in covered), unit.events, unit.found, name)
    finally:
        ledger.write()
        result.events, result.found = ledger.events, ledger.found
        result.notes += [
            f"rule {rule} ran out of time on {count} values"
            for rule, count in sorted(ledger.timeouts.items())
        ]


def _give_up(lost: Lost[Task], run: Run, result: Result) -> None:
    """A file that no worker survives is reported like any that cannot be read, and not tried again."""
    for part in lost.task:
        result.lost.append((part.path, lost.reason))
        reason = f"reading it ended the worker twice: {lost.reason}"
        run.commit(
            parts=[key(part)],
            evidence=[
                EvidenceRow(part.uid, part.path, part.tenant, "", part.size, 0, 0, 0, "unreadable", reason)
            ],
            rejects=pa.Table.from_pylist(
                [
                    {
                        "evidence": part.uid,
                        "name": part.path,
                        "place": "",
                        "reason": reason,
                        "count": 1,
                        "sample": None,
                    }
                ],
                REJECT,
            ),
        )


def _finish(case: store.Case, run: Run, rules: RuleSet, result: Result) -> None:
    if rules.correlations:
        wanted = set(correlation.needed_fields(rules.correlations))
        versions = {rule.info.id: rule.info.version for rule in rules.rules if rule.info.id in wanted}
        correlated = correlation.run(
            rules.correlations, pa.Table.from_batches(case.matches(versions), MATCHES)
        )
        run.replace_findings([one.info.id for one in rules.correlations], correlated.findings)
        result.notes += correlated.notes
    run.finish(
        state="stopped" if result.stopped else "done",
        loaded=len(rules.rules) + len(rules.correlations),
        blind=blind(rules.rules, seen(case)),
        notes=result.notes,
    )
