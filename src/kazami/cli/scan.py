"""``kazami scan``: evidence in, a case with findings out."""

from __future__ import annotations

import os
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kazami import config
from kazami.cli import output
from kazami.cli.exit_code import DONE, FINDINGS, STOPPED, UNREADABLE
from kazami.cli.output import Format
from kazami.errors import UsageError
from kazami.model.finding import LEVELS, level_rank
from kazami.model.result import Summary


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


def scan(
    evidence: Annotated[list[Path], typer.Argument(help="Files and folders of logs; archives are opened.")],
    case: Annotated[Path, typer.Option(help="Folder of the case; made if need be.")] = Path("kazami-case"),
    rules: Annotated[
        list[Path] | None, typer.Option(help="Sigma rules: a file or folder. May be repeated.")
    ] = None,
    pack: Annotated[
        list[str] | None, typer.Option(help="Packs to use (default: all). May be repeated.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose evidence this is.")] = "default",
    tenant_from_folder: Annotated[
        bool, typer.Option(help="Folders right inside a folder of evidence name the tenants.")
    ] = False,
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
    reject_limit: Annotated[
        float,
        typer.Option(min=0, max=100, help="Percent of unreadable records from which the exit code is 3."),
    ] = 10.0,
    configuration: Annotated[
        Path | None, typer.Option("--config", help="Settings (default: kazami.toml).")
    ] = None,
) -> int:
    """Read evidence, evaluate the rules, and write a case with findings and a report."""
    from dataclasses import replace

    from kazami import pipeline
    from kazami.cli.progress import Progress
    from kazami.cli.terminal import talk

    settings = config.load(configuration)
    settings = replace(settings, passwords=(*(password or ()), *settings.passwords))
    request = pipeline.Request(
        evidence=evidence,
        case=case,
        rules=rules or (),
        packs=pack,
        tenant=tenant,
        tenant_from_folder=tenant_from_folder,
        since=_time(since, "--since"),
        until=_time(until, "--until"),
        workers=workers or settings.workers or cores(),
        command=shlex.join(["kazami", *sys.argv[1:]]),
        settings=settings,
    )
    with Progress(talk(), lang=lang.value) as progress:
        result = pipeline.scan(request, progress)
    summary = output.present(case, form, output_file, lang.value, report=report, run=True)
    if result.stopped:
        return STOPPED
    return _exit_code(summary, fail_on, reject_limit)


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


def _exit_code(summary: Summary, fail_on: Level | None, reject_limit: float) -> int:
    if fail_on is not None:
        least = level_rank(fail_on.value)
        if any(
            count.count and level_rank(count.key) >= least for count in summary.levels if count.key in LEVELS
        ):
            return FINDINGS
    unreadable = any(row.state == "unreadable" for row in summary.evidence)
    nothing = not any(row.state in ("done", "partial") for row in summary.evidence)
    lost = summary.rejected_records
    too_many = lost > 0 and lost * 100 > reject_limit * (summary.events + lost)
    return UNREADABLE if unreadable or nothing or too_many else DONE
