"""Findings and summary of a case, in the form and to the place that was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from kazami.errors import UsageError
from kazami.model.result import Summary

if TYPE_CHECKING:
    from kazami.model.story import Story
    from kazami.model.tenant import Directory
    from kazami.store.case import Case


#: Events up to which a scan looks for its report how logging is set; `kazami report` always does.
QUICK = 50_000

#: What is imported only where findings are shown.
_NEEDED = (
    "kazami.cli.summary", "kazami.respond.export", "kazami.respond.report.build", "kazami.store.read",
    "kazami.store.summary", "kazami.store.totals", "kazami.pipeline.story", "numpy.ma", "pyarrow.acero",
)  # fmt: skip


class Format(StrEnum):
    """Forms of findings."""

    table = "table"
    jsonl = "jsonl"
    csv = "csv"
    sarif = "sarif"
    timesketch = "timesketch"
    navigator = "navigator"


def prepare() -> None:
    """Load what `present` needs: a quarter of a second, best spent while others work."""
    for name in _NEEDED:
        import_module(name)
    from kazami.respond.report import page

    page.prepare()


def present(
    case: Path,
    chosen: Format | None,
    output: Path | None,
    lang: str,
    *,
    report: bool = False,
    scanned: Directory | None = None,
) -> Summary:
    """Findings to standard output or a file, the report into the case; after a scan, of the tenants `scanned`, the summary
    to standard error."""
    from kazami.cli.summary import show
    from kazami.cli.terminal import speaking, talk
    from kazami.respond import export
    from kazami.store.case import Case
    from kazami.store.read import findings, lines
    from kazami.store.summary import summary

    if chosen is None:
        chosen = Format.table if output is None and sys.stdout.isatty() else Format.jsonl
    tale = None
    with Case.open(case, read_only=True) as opened:
        told = summary(opened)
        if scanned is not None:
            from kazami.pipeline.story import story

            tale = story(opened, scanned, told.blind if report and told.events <= QUICK else None)
        if report:
            write_report(opened, told, case / "report.html", lang, tale)
        with speaking(sys.stdout), target(output) as out:
            if chosen is Format.jsonl:
                export.jsonl.write_lines(lines(opened), out)
            else:
                export.write(chosen.value, findings(opened), told, out, lang)
    if scanned is not None:
        with speaking(sys.stderr):
            show(told, talk(), lang=lang, report=case / "report.html" if report else None, story=tale)
    return told


def write_report(case: Case, told: Summary, path: Path, lang: str, tale: Story | None = None) -> None:
    """The report of an open case, whole or not at all."""
    from kazami.model.finding import LEVELS
    from kazami.respond.report import lanes, write
    from kazami.respond.report.selection import SHOWN, TURN
    from kazami.store.totals import totals

    counted = totals(case, lanes(told), dict(zip(LEVELS, TURN, strict=True)), SHOWN)
    with written(path) as target_path:
        write((), told, target_path, lang, counted, tale)


def own_packs() -> None:
    """What the user's own packs (``kazami.toml``) say of actors and of what to do counts from here on."""
    from kazami import config, packs

    packs.use(packs.choose(config.load().packs).folders)


def check(output: Path | None) -> None:
    """Raise UsageError where `output` cannot be a file to write: before the work, not after it."""
    if output is None:
        return
    folder = output.parent
    reason = ""
    if output.is_dir():
        reason = "is a folder"
    elif not folder.is_dir():
        reason = f"there is no folder {folder}"
    elif not os.access(output if output.exists() else folder, os.W_OK):
        reason = "no right to write it"
    if reason:
        raise UsageError(f"{output}: cannot be written: {reason}")


@contextmanager
def target(output: Path | None) -> Iterator[TextIO]:
    """The file, or standard output. Raises UsageError where the file cannot be written."""
    if output is None:
        from kazami.cli.terminal import out

        yield out()
        return
    with written(output), output.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """While `path` is written. Raises UsageError where it cannot be."""
    check(path)
    try:
        yield path
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
