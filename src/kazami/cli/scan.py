"""``kazami scan``: evidence in, a case with findings out."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami import config
from kazami.cli import output
from kazami.cli.exit_code import DONE, FINDINGS, STOPPED, UNREADABLE
from kazami.cli.output import Format
from kazami.errors import UsageError
from kazami.model.finding import LEVELS, level_rank
from kazami.model.result import Summary

if TYPE_CHECKING:
    from kazami.pipeline import Observer, Result


class Level(StrEnum):
    """Sigma's levels."""

    informational = "informational"
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


class Language(StrEnum):
    """Languages of the report and the summary."""

    en = "en"
    ja = "ja"


PackOption = Annotated[
    list[str] | None,
    typer.Option(help="Packs to use, by name or as a folder like ./mine (default: all). May be repeated."),
]
TenantsFile = Annotated[
    Path | None,
    typer.Option("--tenants", help="Who the tenants are (default: tenants.toml, if it is there)."),
]
RejectLimit = Annotated[
    float,
    typer.Option(min=0, max=100, help="Percent of unreadable records from which the exit code is 3."),
]


def scan(
    context: typer.Context,
    evidence: Annotated[list[Path], typer.Argument(help="Files and folders of logs; archives are opened.")],
    case: Annotated[Path, typer.Option(help="Folder of the case; made if need be.")] = Path("kazami-case"),
    rules: Annotated[
        list[Path] | None,
        typer.Option(help="Sigma rules, and Suricata's (.rules): a file or folder. May be repeated."),
    ] = None,
    yara: Annotated[
        list[Path] | None,
        typer.Option(help="YARA rules for files: a file or folder. May be repeated."),
    ] = None,
    pack: PackOption = None,
    tenant: Annotated[str, typer.Option(help="Whose evidence this is.")] = "default",
    tenant_from_folder: Annotated[
        bool, typer.Option(help="Folders right inside a folder of evidence name the tenants.")
    ] = False,
    tenants_file: TenantsFile = None,
    since: Annotated[str | None, typer.Option(help="Leave out events before this time (UTC).")] = None,
    until: Annotated[str | None, typer.Option(help="Leave out events from this time on (UTC).")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Worker processes (default: cores).")
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Form of the findings (terminal: table, else jsonl).")
    ] = None,
    output_file: Annotated[
        Path | None, typer.Option("--output", help="Write the findings to this file.")
    ] = None,
    fail_on: Annotated[
        Level | None, typer.Option(help="Exit with 1 at findings of this level or above.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="Language of report and summary.")] = Language.en,
    report: Annotated[bool, typer.Option(help="Write report.html into the case.")] = True,
    password: Annotated[
        list[str] | None, typer.Option(help="Tried on encrypted archives. May be repeated.")
    ] = None,
    reject_limit: RejectLimit = 10.0,
    configuration: Annotated[
        Path | None, typer.Option("--config", help="Settings (default: kazami.toml).")
    ] = None,
) -> int:
    """Read evidence, evaluate the rules, and write a case with findings and a report."""
    from dataclasses import replace

    from kazami import pipeline, tenants

    said: list[str] = context.obj or []
    if "" in said:
        raise UsageError("an empty word names no evidence and no option")
    settings = config.load(configuration)
    settings = replace(settings, passwords=(*(password or ()), *settings.passwords))
    output.check(output_file)
    directory = tenants.find(tenants_file)
    request = pipeline.Request(
        evidence=evidence,
        case=case,
        rules=rules or (),
        yara=yara or (),
        packs=pack,
        tenant=tenant,
        tenant_from_folder=tenant_from_folder,
        since=_time(since, "--since"),
        until=_time(until, "--until"),
        workers=workers or settings.workers or cores(),
        command=shlex.join(["kazami", *_without_secrets(said)]),
        settings=settings,
        directory=directory,
        ours=() if output_file is None else (output_file,),
    )
    if request.since is not None and request.until is not None and request.since >= request.until:
        raise UsageError("--until: is not after --since, so that no event is left")
    with _watching(lang.value) as observer:
        result = pipeline.scan(request, _Ahead(observer))
    summary = output.present(case, form, output_file, lang.value, report=report, scanned=directory)
    if result.stopped:
        return STOPPED
    return _exit_code(summary, result, fail_on, reject_limit)


@contextmanager
def _watching(lang: str) -> Iterator[Observer | None]:
    """Who shows how far a scan is; nobody where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from kazami.cli.progress import Progress
    from kazami.cli.terminal import talk

    with Progress(talk(), lang=lang) as progress:
        yield progress


class _Ahead:
    """Shows a scan to an observer, and gets ready to present it while the workers still read."""

    def __init__(self, observer: Observer | None) -> None:
        self._observer = observer

    def begin(self, files: int, size: int) -> None:
        if self._observer:
            self._observer.begin(files, size)
        output.prepare()

    def advance(self, size: int, events: int, findings: int, name: str) -> None:
        if self._observer:
            self._observer.advance(size, events, findings, name)

    def tick(self) -> None:
        if self._observer:
            self._observer.tick()


def cores() -> int:
    """The processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _time(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    from kazami.sources.clock import parse

    found = parse(text)
    if found is None:
        raise UsageError(f"{option}: {text!r} is not a time; write it like 2026-11-22T05:00:00Z")
    return found


def _without_secrets(said: list[str]) -> Iterator[str]:
    """The words of the command as the case may keep them."""
    secret = False
    for word in said:
        if secret or word.startswith("--password="):
            yield "***" if secret else "--password=***"
            secret = False
        else:
            yield word
            secret = word == "--password"


def _exit_code(summary: Summary, result: Result, fail_on: Level | None, reject_limit: float) -> int:
    """Findings are those of the case; what could not be read is told of the evidence of this scan."""
    if fail_on is not None:
        least = level_rank(fail_on.value)
        if any(
            count.count and level_rank(count.key) >= least for count in summary.levels if count.key in LEVELS
        ):
            return FINDINGS
    latest = {
        (row.tenant, row.name): row for row in summary.evidence if _is_of(row.name, result.names)
    }.values()
    unreadable = any(row.state in ("unreadable", "partial") for row in latest)
    read = any(row.state in ("done", "partial") for row in latest)
    nothing = not read and not result.skipped  # a file may have been read under another name
    lost = sum(row.rejects for row in latest)
    too_many = lost > 0 and lost * 100 > reject_limit * (sum(row.events for row in latest) + lost)
    return UNREADABLE if unreadable or nothing or too_many else DONE


def _is_of(name: str, files: frozenset[str]) -> bool:
    """Whether `name` is one of `files` or, behind an exclamation mark, inside of one."""
    end = len(name)
    while end > 0:
        if name[:end] in files:
            return True
        end = name.rfind("!", 0, end)
    return False
