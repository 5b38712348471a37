"""The main job: evidence and rules in, a case with findings out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pyarrow as pa

from kazami import __version__, packs
from kazami.archive.unpack import Reject
from kazami.detect.alert import findings as alerts
from kazami.detect.sigma import correlation
from kazami.detect.sigma.blind import blind
from kazami.detect.sigma.load import load
from kazami.detect.sigma.rule import RuleSet
from kazami.engine import memory
from kazami.engine.local import Pool
from kazami.errors import UsageError
from kazami.intel import actor, measure
from kazami.model.rule import Rejected
from kazami.model.tenant import Directory
from kazami.pipeline import detectors, incidents, keeper, wire_rules
from kazami.pipeline.collect import Collector, key, note_unreadable
from kazami.pipeline.overall import judge
from kazami.pipeline.parts import left, parts
from kazami.pipeline.reader import Orders, Reader, sources
from kazami.pipeline.request import Observer, Request, Result
from kazami.pipeline.task import Part, Task, Unit, divide
from kazami.sources import walk
from kazami.store import case as store
from kazami.store import correlating, duplicates
from kazami.store.lists import evidence_rows, unread
from kazami.store.run import Run
from kazami.store.schema import MATCH as MATCHES
from kazami.store.seen import seen

#: How a rule set is called that was evaluated without `since` and `until`: all events are then stored.
_UNBOUNDED = ":None:None"

#: Pieces of evidence that one note names.
_NAMED = 3


def rules_of(request: Request) -> RuleSet:
    """The rules a request asks for: its packs (all of them by default), and the folders and files it names."""
    names = request.packs if request.packs is not None else request.settings.packs
    chosen = packs.choose(names)
    packs.use(chosen.folders)
    found = load(
        [*chosen.rules, *wire_rules.divide([*request.settings.rules, *request.rules])[0]],
        placeholders=request.settings.placeholders,
        cache=request.settings.cache,
        workers=request.workers,
    )
    faults = tuple(Rejected(path, reason) for path, reason in (*chosen.faults, *_unsaid()))
    return replace(found, rejected=(*faults, *found.rejected)) if faults else found


def _unsaid() -> Iterator[tuple[str, str]]:
    """Files of packs that say what to do, or who an actor is, and cannot be taken."""
    yield from actor.faults()
    for path in (folder / measure.FILE for folder in packs.in_use()):
        start = f"{path}: "
        yield from (
            (str(path), note.removeprefix(start))
            for note in measure.measures().notes
            if note.startswith(start)
        )


def scan(request: Request, observer: Observer) -> Result:
    """Read, match, store, correlate, and tell the incidents. What an interrupted scan of the same case has done is not done again.

    Raises UsageError and CaseError; evidence never raises, it is reported in the case. On KeyboardInterrupt what is
    finished is kept, and the result says that it stopped.
    """
    memory.share()
    files, unreadable = _files(request)
    wire = wire_rules.of([*request.settings.rules, *request.rules], request.settings)
    with memory.lasting():
        wired = wire_rules.prepare(*wire)
        rules = detectors.joined(wire_rules.joined(rules_of(request), *wire))
        sources()
        detectors.detectors()
    todo = list(parts(files))
    names = {walk.named(file.path) for file in files} | {row["name"] for row in unreadable}
    result = Result(request.case, rules, frozenset(names), parts=len(todo))
    with (
        Pool[Task, Unit](
            partial(Reader, _orders(request, rules, wire)),
            divide,
            workers=max(1, min(request.workers, len(todo))),
        ) as pool,
        store.Case.open(request.case, create=True, command=request.command or "kazami scan") as case,
    ):
        bounds = f":{request.since}:{request.until}"
        open_parts = _open_parts(case, request, todo, rules.version, bounds)
        result.skipped = len(todo) - len(open_parts)
        run = case.begin(
            version=__version__,
            command=request.command,
            ruleset=rules.version + bounds,
            rules=[
                *(one.info for one in rules.rules),
                *(one.info for one in rules.correlations),
                *wired,
                *detectors.rules(),
            ],
            rejected=rules.rejected,
        )
        note_unreadable(run, unreadable, request.tenant)
        observer.begin(len({part.path for part in open_parts}), sum(part.bytes for part in open_parts))
        incidents.prepare()
        try:
            Collector(run, result, observer).collect(pool, open_parts)
        except KeyboardInterrupt:
            result.stopped = True
            result.notes.append("stopped before all evidence was read; the same command goes on from here")
        finally:
            pool.stop()
        if not result.stopped:
            _look_inside(case, run, files, request, result)
        _finish(case, run, rules, result, request.directory, len(wired))
    return result


def _look_inside(
    case: store.Case, run: Run, files: list[walk.File], request: Request, result: Result
) -> None:
    if not unread(case) and not keeper.waits(request.case):
        return
    from kazami.pipeline.files import look_inside  # not needed where logs are all there is

    try:
        result.notes += look_inside(
            case, run, files, request.settings, request.workers, request.yara, request.packs
        )
    except KeyboardInterrupt:
        result.stopped = True
        result.notes.append("stopped before all files were looked into; the same command looks again")


def _files(request: Request) -> tuple[list[walk.File], list[Reject]]:
    """The files to read, without those of the case; and what is none. Evidence is never written to."""
    given = [os.path.realpath(path) for path in request.evidence]
    case = os.path.realpath(request.case)
    for path, real in zip(request.evidence, given, strict=True):
        if _inside(real, case):
            raise UsageError(f"{path}: is the case that is written, so it is no evidence")
    for path in request.ours:
        if any(_inside(os.path.realpath(path), folder) for folder in given):
            raise UsageError(f"{path}: lies among the evidence; let it be written elsewhere")
    files, unreadable = walk.list_files(
        request.evidence, tenant=request.tenant, tenant_from_folder=request.tenant_from_folder
    )
    if any(_inside(case, folder) for folder in given):
        files = [file for file in files if not _inside(os.path.realpath(file.path), case)]
    return files, unreadable


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _orders(
    request: Request, rules: RuleSet, wire: tuple[wire_rules.Key, tuple[tuple[str, str], ...]]
) -> Orders:
    return Orders(
        request.case,
        rules.rules,
        {rule: frozenset(names) for rule, names in correlation.needed_fields(rules.correlations).items()},
        request.settings.passwords,
        request.since,
        request.until,
        wire,
    )


def _open_parts(
    case: store.Case, request: Request, todo: list[Part], version: str, bounds: str
) -> list[Part]:
    """What no earlier scan has finished; what is half done is forgotten, and begun anew."""
    locked: list[str] = []
    if request.settings.passwords:
        failed = (row for row in evidence_rows(case) if row.state == "unreadable")
        locked = [row.uid for row in failed if "encrypted" in row.note]
    given = [walk.named(str(path)).rstrip("/\\") for path in request.evidence]
    case.restart({key(part): walk.named(part.path) for part in todo}, given, locked)
    stored = case.stored_parts(lambda ruleset: ruleset.endswith((_UNBOUNDED, bounds)))
    return list(left(todo, case.done_parts(version + bounds), stored))


def _finish(
    case: store.Case, run: Run, rules: RuleSet, result: Result, directory: Directory, wired: int
) -> None:
    if rules.correlations:
        wanted = set(correlation.needed_fields(rules.correlations))
        versions = {rule.info.id: rule.info.version for rule in rules.rules if rule.info.id in wanted}
        correlated = correlation.run(
            rules.correlations, pa.Table.from_batches(case.matches(versions), MATCHES)
        )
        run.replace_findings([one.info.id for one in rules.correlations], correlated.findings)
        result.notes += correlated.notes
    duplicates.find(case)  # before anybody counts what copies say, too
    if not result.stopped:
        result.notes += judge(case, run, directory)
    run.learn(alerts.words(correlating.told(case, alerts.TITLE, alerts.LEVEL, alerts.TAGS)))
    result.incidents = len(incidents.tell(case))
    result.notes += [
        f"rule {rule} ran out of time on {count} values" for rule, count in result.timeouts.items()
    ]
    result.notes += _undated(case, result.undated)
    if not result.stopped:
        result.notes += _judged_otherwise(case, rules.version)
    run.finish(
        state="stopped" if result.stopped else "done",
        loaded=len(rules.rules) + len(rules.correlations) + wired,
        blind=blind(rules.rules, seen(case)),
        notes=result.notes,
    )


def _undated(case: store.Case, undated: Counter[str]) -> list[str]:
    """Evidence whose events do not say when, or in no way that can be read; what has the most is named."""
    names = {row.uid: row.name for row in evidence_rows(case)} if undated else {}
    told = [
        f"{names.get(uid, uid)}: {count:,} events without a time that can be read"
        for uid, count in undated.most_common(_NAMED)
    ]
    more = len(undated) - len(told)
    return [*told, f"{more:,} more pieces of evidence hold events without a time"] if more else told


def _judged_otherwise(case: store.Case, version: str) -> list[str]:
    judged = case.stored_parts(lambda ruleset: ruleset.startswith(f"{version}:"))
    other = {part.evidence for part in case.stored_parts() - judged}
    if not other:
        return []
    return [
        f"{len(other):,} files of earlier scans were judged with other rules; scan them again to judge them with these"
    ]
