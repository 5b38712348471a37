"""What a scan says when it is done: what was found, where, and what could not be read or judged."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kazami.intel import translate
from kazami.intel.shelf import attack
from kazami.model.finding import LEVELS, level_rank
from kazami.model.incident import Incident
from kazami.model.result import Count, RejectRow, Summary
from kazami.model.story import Story
from kazami.respond.export.table import STYLES, fit
from kazami.respond.language import Words, words
from kazami.respond.text import safe, shorten

#: Rules named; hosts, techniques and tenants named; places of rejects named; characters of a name.
RULES, TOP, PLACES, NAME = 8, 5, 3, 160

#: What could not be read or judged: style, words, and the command that lists more.
Line = tuple[str, str, str]
#: Columns that hosts, techniques and tenants each need to stand beside each other.
SIDE_BY_SIDE = 36


@dataclass(frozen=True, slots=True)
class Hints:
    """Commands that list what the summary only counts; ``{case}`` is the case as a shell takes it."""

    skipped: str = "kazami sql {case} \"select name, note from evidence where state = 'skipped'\""
    rejects: str = 'kazami sql {case} "select * from reject"'
    rejected_rules: str = "kazami rules check"
    blind_rules: str = "kazami rules check --case {case}"
    suppressed: str = "kazami suppress list {case}"


def _name(value: str) -> str:
    """A name as a line can hold it."""
    shown, more = shorten(value, NAME)
    return safe(shown) + ("…" if more else "")


def _badge(level: str, language: Words) -> Text:
    return Text(language.level(level), style=STYLES[level_rank(level)])


def _counts(title: str, counts: list[Count], language: Words, width: int, top: int = TOP) -> list[Table]:
    """The worst of `counts` under a title, in `width` columns; nothing where there are none."""
    if not counts:
        return []
    worst = sorted(counts, key=lambda count: (-level_rank(count.level), -count.count, count.key))
    levels = max(cell_len(language.level(level)) for level in LEVELS)
    digits = max(len(language.number(count.count)) for count in worst[:top])
    room = max(width - levels - digits - 4, 10)  # rich would take the room from all columns alike
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    table.title = Text(title, style="bold")
    table.title_justify = "left"
    table.add_column(width=levels)
    table.add_column(width=digits, justify="right")
    table.add_column(no_wrap=True)
    for count in worst[:top]:
        name = Text(fit(_name(count.label or count.key), room).rstrip())
        table.add_row(_badge(count.level or LEVELS[0], language), language.number(count.count), name)
    if len(counts) > top:
        rest = language("summary.more", n=language.number(len(counts) - top))
        table.add_row(Text(), Text(), Text(rest, style="dim"))
    return [table]


def _title(language: Words, key: str) -> str:
    return language(f"summary.{key}", version=attack().version)


def _named(techniques: list[Count]) -> list[Count]:
    """Techniques with their own names, without those of their parents; the version stands beside an id that is not of the table in use."""
    return [
        replace(one, label=f"{one.key}{_other(one.key)} {name.rpartition(': ')[2]}")
        if (name := translate.name(one.key))
        else one
        for one in techniques
    ]


def _other(technique: str) -> str:
    version = translate.version_of(technique)
    return "" if version == attack().version else f" (ATT&CK {version})"


def _beside(tables: list[Table], width: int) -> list[Table | Text]:
    """`tables` beside each other where there is room, else one below the other."""
    if width < SIDE_BY_SIDE * len(tables) or len(tables) < 2:
        return [part for table in tables for part in (table, Text())]
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for _ in tables:
        grid.add_column(ratio=1)
    grid.add_row(*tables)
    return [grid, Text()]


def _opening(summary: Summary, language: Words) -> list[Text]:
    found = language.count("finding", summary.findings) if summary.findings else language("summary.nothing")
    lines = [Text(found, style="bold")]
    levels = {count.key: count.count for count in summary.levels}
    parts = Text()
    for level in reversed(LEVELS):
        if levels.get(level):
            parts.append_text(_badge(level, language)).append(f" {language.number(levels[level])}   ")
    if parts:
        lines.append(parts)
    read = [language.count("event", summary.events), language.count("evidence", len(summary.evidence))]
    if summary.duplicates:
        read.append(language("summary.duplicates", n=language.number(summary.duplicates)))
    lines.append(Text(" · ".join(read), style="dim"))
    judged = language("summary.rules", rules=language.count("rule", summary.loaded))
    if summary.first:
        first, last = language.time(summary.first, False), language.time(summary.last, False)
        judged = f"{first} – {last} UTC · {judged}"
    return [*lines, Text(judged, style="dim"), Text()]


def _incidents(story: Story, summary: Summary, language: Words, width: int) -> list[Text]:
    """The open incidents, the gravest first, in two lines each, and how to be told one."""
    if not story.incidents:
        return []
    levels = max(cell_len(language.level(level)) for level in LEVELS) + 2
    lines = [
        Text(language("summary.incidents", incidents=language.count("incident", story.total)), style="bold")
    ]
    room = max(width - levels - 1, 20)
    for one in story.incidents[:TOP]:
        badge = _badge(one.severity, language)
        gap = " " * (levels - badge.cell_len)
        title = fit(_name(one.title.spoken(language.lang)), room).rstrip()
        lines.append(Text.assemble(badge, gap, (title, "bold"), no_wrap=True))
        for part in _about(one, story, language, room):
            lines.append(Text(" " * levels + fit(part, room).rstrip(), style="dim", no_wrap=True))
    if story.total > TOP:
        lines.append(Text(language("summary.more", n=language.number(story.total - TOP)), style="dim"))
    command = f"kazami incidents show {shlex.quote(safe(summary.case))} {story.incidents[0].incident_uid[:8]}"
    return [*lines, Text(f"    {command}", style="dim", no_wrap=True, overflow="ignore"), Text()]


def _about(one: Incident, story: Story, language: Words, room: int) -> list[str]:
    """Whose, when, where, who and how much; in two lines where there is no room for one."""
    times = [language.time(time, False) for time in (one.first, one.last) if time is not None]
    several = len({each.tenant for each in story.incidents}) > 1
    when = [one.incident_uid[:8], *([_name(one.tenant)] if several else []), " – ".join(dict.fromkeys(times))]
    counts = {"host": len(one.hosts), "user": len(one.accounts), "step": len(one.steps)}
    lines = [
        " · ".join(filter(None, when)),
        " · ".join(language.count(noun, number) for noun, number in counts.items()),
    ]
    whole = " · ".join(lines)
    return [whole] if cell_len(whole) <= room else lines


def _limits(summary: Summary, language: Words, hints: Hints) -> list[Text]:
    """What could not be read or judged, each with the command that lists it."""
    case = shlex.quote(safe(summary.case))
    lines: list[Line] = [
        *_unread(summary, language, hints),
        *_rejected(summary, language, hints),
        *_odd(summary, language, hints),
    ]
    if summary.rejected_rules:
        said = language("summary.rejected_rules", rules=language.count("rule", len(summary.rejected_rules)))
        lines.append(("yellow", said, hints.rejected_rules))
    if summary.blind:
        said = language(
            "summary.blind_rules",
            rules=language.count("rule", len(summary.blind)),
            loaded=language.number(summary.loaded),
        )
        lines.append(("", said, hints.blind_rules))
    if summary.suppressed:
        said = language("summary.suppressed", findings=language.count("finding", summary.suppressed))
        lines.append(("", said, hints.suppressed))
    lines += (("yellow", shorten(note, 400)[0], "") for note in summary.notes[:TOP])
    if len(summary.notes) > TOP:
        lines.append(("yellow", language("summary.more", n=language.number(len(summary.notes) - TOP)), ""))
    shown = []
    for style, said, command in lines:
        # Rich breaks lines at spaces, of which Japanese has few: there the terminal breaks them.
        shown.append(Text(f"  {safe(said)}", style=style, no_wrap=language.lang == "ja", overflow="ignore"))
        if command:
            shown.append(
                Text(f"    {command.format(case=case)}", style="dim", no_wrap=True, overflow="ignore")
            )
    return [Text(language("summary.limits"), style="bold"), *shown, Text()] if shown else []


def _unread(summary: Summary, language: Words, hints: Hints) -> Iterator[Line]:
    """Evidence that could not be read, or not whole, and what is no log."""
    bad = [row for row in summary.evidence if row.state in ("unreadable", "partial")]
    for row in bad[:TOP]:
        key = "summary.partial" if row.state == "partial" else "summary.unreadable"
        yield "red", language(key, name=_short(row.name), note=_short(row.note)), ""
    if len(bad) > TOP:
        yield "red", language("summary.more", n=language.number(len(bad) - TOP)), ""
    skipped = [row for row in summary.evidence if row.state == "skipped"]
    if skipped:
        evidence, first = language.count("evidence", len(skipped)), skipped[0]
        said = language(
            "summary.skipped", evidence=evidence, name=_short(first.name), note=_short(first.note)
        )
        yield "", said, hints.skipped if len(skipped) > 1 else ""


def _rejected(summary: Summary, language: Words, hints: Hints) -> Iterator[Line]:
    """Records that could not be read, with the places where most were lost."""
    if not summary.rejected_records:
        return
    said = language("summary.rejects", records=language.count("record", summary.rejected_records))
    yield "yellow", said, hints.rejects
    told = {(row.name, row.note) for row in summary.evidence}
    worst = [row for row in summary.rejects if row.count and (row.name, row.reason) not in told]
    for row in worst[:PLACES]:
        yield "", f"  {_place(row, language)}: {_short(row.reason)}", ""


def _odd(summary: Summary, language: Words, hints: Hints) -> Iterator[Line]:
    """What was read, but not quite as it stands: each kind with its first place."""
    told = {(row.name, row.note) for row in summary.evidence}
    kinds: dict[str, list[RejectRow]] = {}
    for row in summary.rejects:
        if not row.count and (row.name, row.reason) not in told:
            kinds.setdefault(row.reason, []).append(row)
    listed = hints.rejects
    for reason, rows in list(kinds.items())[:PLACES]:
        said = f"{_place(rows[0], language)}: {_short(reason)}"
        more = language("summary.more", n=language.number(len(rows) - 1))
        yield "", f"{said} ({more})" if len(rows) > 1 else said, "" if summary.rejected_records else listed
        listed = ""


def _place(row: RejectRow, language: Words) -> str:
    name = _short(row.name)
    return language("summary.place", name=name, place=row.place) if row.place else name


def _short(text: str) -> str:
    """The beginning of `text`, or the end of a path, which says more."""
    if len(text) <= NAME:
        return text
    return f"…{text[-NAME:]}" if "/" in text[:NAME] else f"{text[:NAME]}…"


def show(
    summary: Summary,
    console: Console,
    lang: str = "en",
    report: str | os.PathLike[str] | None = None,
    hints: Hints | None = None,
    story: Story | None = None,
) -> None:
    """Print the summary on `console`, as wide as it is; `report` is a file to point to, `story` the incidents.

    Raises UsageError for an unknown language.
    """
    language = words(lang)
    parts: list[Table | Text] = [Text(), *_incidents(story or Story(), summary, language, console.width)]
    parts += _opening(summary, language)
    parts += _beside(_counts(language("summary.by_rule"), summary.rules, language, console.width, RULES), 0)
    several = [("by_host", summary.hosts), ("by_technique", _named(summary.techniques))]
    if len(summary.tenants) > 1:
        several.append(("by_tenant", summary.tenants))
    title = partial(_title, language)
    beside = console.width >= SIDE_BY_SIDE * len(several)
    width = console.width // len(several) - 2 if beside else console.width
    tables = [t for key, counts in several for t in _counts(title(key), counts, language, width)]
    parts += _beside(tables, console.width)
    parts += _limits(summary, language, hints or Hints())
    if report is not None:
        path = safe(os.fspath(report))
        parts.append(Text(language("summary.report", path=path), no_wrap=True, overflow="ignore"))
    for part in parts:
        console.print(part, crop=False)
