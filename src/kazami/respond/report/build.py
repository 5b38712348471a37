"""From findings and a summary to the page: everything is gathered in one pass, then printed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any, TextIO

from kazami.model.finding import level_rank
from kazami.model.result import FindingRow, Summary, Totals
from kazami.model.story import Story
from kazami.respond.language import Words, words
from kazami.respond.report import advice
from kazami.respond.report.chapters import by_severity, chapters
from kazami.respond.report.counted import counted
from kazami.respond.report.incident import LINES, campaigns, told
from kazami.respond.report.judged import limits
from kazami.respond.report.matrix import of_case
from kazami.respond.report.page import stream
from kazami.respond.report.selection import Selection, Shown
from kazami.respond.report.standout import levels, sentences
from kazami.respond.report.tally import LANES, PARTNERS, Group, Tally
from kazami.respond.report.timeline import affected, picture

#: Rows of one table of the page, and rules with a chapter of their own; more are counted.
ROWS = 200
CHAPTERS = 500


def _users(tally: Tally) -> list[Group]:
    return sorted(
        tally.users.values(), key=lambda user: (-user.rank, -len(user.rules), -user.count, user.key)
    )


def _tenants(tally: Tally) -> list[Group]:
    return sorted(tally.tenants.values(), key=lambda tenant: (-tenant.rank, -tenant.count, tenant.key))


def _names(groups: list[Group]) -> list[str]:
    """Their names, each once: the same name may stand in several tenants."""
    return list(dict.fromkeys(group.key for group in groups))


def context(
    tally: Tally, shown: list[Shown], summary: Summary, language: Words, story: Story
) -> dict[str, Any]:
    """What the templates know."""
    book = chapters(tally, shown, CHAPTERS)
    hosts, users = affected(tally), _users(tally)
    return {
        "t": language,
        "summary": summary,
        "case": PurePath(summary.case).name or summary.case,
        "tally": tally,
        "rows": ROWS,
        "partners": PARTNERS,
        "levels": levels(tally),
        "sentences": sentences(tally, language),
        "timeline": picture(tally, language),
        "matrix": of_case(tally),
        "advice": advice.gathered(tally),
        "advised": advice.advised,
        "named": advice.named,
        "version_of": advice.version,
        "hosts": hosts,
        "users": users,
        "host_names": _names(hosts),
        "user_names": _names(users),
        "tenants": _tenants(tally),
        "rules": by_severity(tally),
        "chapters": book,
        "numbers": {chapter.text.id: chapter.number for chapter in book},
        "shown": sum(chapter.shown for chapter in book),
        "changes": changes(shown),
        "limits": limits(summary, tally),
        "folder": folder(summary),
        "story": story,
        "incidents": told(story, language),
        "campaigns": campaigns(story, language),
        "lines": LINES,
    }


def changes(shown: list[Shown]) -> list[tuple[Shown, dict[str, str]]]:
    """What changed against a baseline (`kazami changes --into`), the gravest first, with its words."""
    found = [
        (one, {value.field: value.text for value in one.values})
        for one in shown
        if one.table == "state_change"
    ]
    return sorted(found, key=lambda pair: (-pair[0].rank, pair[0].host, pair[0].uid))


def folder(summary: Summary) -> str:
    """The folder that all evidence lies in, with its last separator; nothing where there is none."""
    names = [row.name for row in summary.evidence]
    common = os.path.commonprefix(names)  # noqa: RUF071 - cut at a separator below; names need not be paths
    return common[: max(common.rfind("/"), common.rfind("\\")) + 1] if names else ""


def lanes(summary: Summary) -> list[str]:
    """The hosts to follow over time, when the summary already knows them."""
    worst = sorted(summary.hosts, key=lambda host: (-level_rank(host.level), -host.count, host.key))
    return [host.key for host in worst[:LANES]]


def write(
    findings: Iterable[FindingRow],
    summary: Summary,
    target: str | os.PathLike[str] | TextIO,
    lang: str = "en",
    totals: Totals | None = None,
    story: Story | None = None,
) -> int:
    """Write the report to a path (whole or not at all) or to an open text file; returns the findings read.

    The findings pass by once, in any order (the newest first is quickest), and are counted here, unless `totals` are
    given, which say the same and are many times quicker; `summary` says what else happened, `story` tells the incidents. Raises
    UsageError for an unknown language and OSError where the file cannot be written.
    """
    language = words(lang)
    selection = Selection()
    if totals is None:
        tally = Tally(lanes(summary))
        for finding in tally.read(findings):
            selection.add(finding)
    else:
        tally = counted(totals)
        for finding in totals.chosen:
            selection.add(finding)
    pieces = stream(context(tally, selection.shown(), summary, language, story or Story()))
    if not isinstance(target, str | os.PathLike):
        target.writelines(pieces)
    else:
        _replace(Path(target), pieces)
    return tally.all.count


def _replace(path: Path, pieces: Iterable[str]) -> None:
    """Write `pieces` beside `path` and put them in its place only when all is written."""
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(pieces)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
