"""``kazami coverage``: what the logging of a case shows on and off, which rules are blind for it, and what was done to logs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kazami.cli.exit_code import DONE
from kazami.cli.hunt import Form
from kazami.cli.scan import Language
from kazami.respond.language import Words, words

if TYPE_CHECKING:
    from kazami.survey.logged import Logged

#: Machines, rules and lines that a table names.
NAMED, LINES = 3, 40


def coverage(
    case: Annotated[Path, typer.Argument(help="Folder of the case.")],
    host: Annotated[str | None, typer.Option(help="Only this machine, setting by setting.")] = None,
    rules: Annotated[
        list[Path] | None, typer.Option("--rules", help="Also judge these rules. May be repeated.")
    ] = None,
    pack: Annotated[
        list[str] | None, typer.Option("--pack", help="Rules of these packs (default: all). May be repeated.")
    ] = None,
    form: Annotated[Form | None, typer.Option("--format", help="Form (terminal: table, else jsonl).")] = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.en,
) -> int:
    """Say which logging is on or off, machine by machine, which rules are blind for it, and where logs have holes."""
    from kazami.cli.rules import load_all
    from kazami.cli.terminal import speaking
    from kazami.store.case import Case
    from kazami.survey.logged import logged

    language = words(lang)
    with Case.open(case, read_only=True) as opened, speaking(sys.stdout):
        told = logged(opened, load_all(rules, pack).rules)
        if host is not None:
            wanted = host.lower()
            told = told.of(lambda _, found: found is not None and found.lower() == wanted)
        if (form or (Form.table if sys.stdout.isatty() else Form.jsonl)) is Form.table:
            _show(told, language, host)
        else:
            _lines(told, language)
    return DONE


def _lines(told: Logged, language: Words) -> None:
    from kazami.cli.rows import line
    from kazami.cli.terminal import out

    stream = out()
    for row in _rows(told, language):
        stream.write(line(row) + "\n")


def _rows(told: Logged, language: Words) -> Iterator[dict[str, Any]]:
    from kazami.survey.setting import settings

    for row in told.covered:
        setting = settings()[row.setting]
        titles = told.blind.get((row.tenant, row.host, row.setting), [])
        yield {
            "kind": "setting",
            "tenant": row.tenant,
            "host": row.host,
            "setting": row.setting,
            "name": setting.name.of(language.lang),
            "state": row.state.value,
            "why": language(f"coverage.{row.why}"),
            "events": row.seen.events,
            "first": row.seen.first,
            "last": row.seen.last,
            "how": "" if row.state == "on" else setting.how.of(language.lang),
            "blind": len(titles),
            "rules": titles,
        }
    for one in told.tampering:
        yield {"kind": one["kind"], **{key: value for key, value in one.items() if key != "kind"}}
    for gap in told.gaps:
        hole = gap.hole
        yield {
            "kind": hole.kind,
            "tenant": gap.tenant,
            "host": gap.host,
            "log": hole.log,
            "from": _time(hole.start),
            "to": _time(hole.stop),
            "seconds": hole.seconds,
            "records": hole.records,
            "before": hole.before,
            "after": hole.after,
            "others": gap.others,
            "note": language(f"coverage.{gap.note}") if gap.note else "",
        }


def _time(microseconds: int | None) -> datetime | None:
    if microseconds is None:
        return None
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)


def _show(told: Logged, language: Words, host: str | None) -> None:
    from rich.text import Text

    from kazami.cli.rows import drawn
    from kazami.cli.terminal import data

    console = data()
    console.print(Text(language("coverage.settings"), style="bold"))
    console.print(drawn(*(_one(told, language) if host else _matrix(told, language))))
    for title, (names, rows) in (
        ("coverage.tampering", _tampering(told, language)),
        ("coverage.gaps", _gaps(told, language)),
    ):
        console.print()
        console.print(Text(f"{language(title)} {language.number(len(rows))}", style="bold"))
        if rows:
            console.print(drawn(names, rows[:LINES]))
        if len(rows) > LINES:
            console.print(Text(language("coverage.more", n=language.number(len(rows) - LINES)), style="dim"))
    extracts = sum(1 for gap in told.gaps if gap.hole.kind == "extract")
    if extracts:
        console.print(Text(language("coverage.extracts", n=language.number(extracts)), style="dim"))


_Table = tuple[list[str], list[list[Any]]]


def _matrix(told: Logged, language: Words) -> _Table:
    """A line a setting: on how many machines it is on, off, unknown, which are not on, and how many rules are blind."""
    from kazami.survey.coverage import State, matrix
    from kazami.survey.setting import settings

    names = [language(f"coverage.{key}") for key in ("setting", "on", "off", "unknown", "where", "blind")]
    rows, blind = [], told.titles()
    for name, states in matrix(told.covered).items():
        where = states[State.off] or states[State.unknown]
        more = f" +{len(where) - NAMED}" if len(where) > NAMED else ""
        counts = [len(states[state]) or "" for state in State]
        rows.append(
            [
                settings()[name].name.of(language.lang),
                *counts,
                ", ".join(where[:NAMED]) + more,
                len(blind[name]) or "",
            ]
        )
    return names, rows


def _one(told: Logged, language: Words) -> _Table:
    """A line a setting of one machine: state, why, and how to switch it on."""
    from kazami.survey.setting import settings

    names = [language(f"coverage.{key}") for key in ("setting", "state", "why", "blind", "how")]
    rows = []
    for row in told.covered:
        setting, titles = settings()[row.setting], told.blind.get((row.tenant, row.host, row.setting), [])
        how = "" if row.state == "on" else setting.how.of(language.lang)
        state = language(f"coverage.{row.state.value}")
        rows.append(
            [
                setting.name.of(language.lang),
                state,
                language(f"coverage.{row.why}"),
                len(titles) or "",
                how,
            ]
        )
    return names, rows


def _tampering(told: Logged, language: Words) -> _Table:
    names = [language(f"coverage.{key}") for key in ("time", "host", "what", "log", "user", "detail")]
    rows = [
        [
            row["time"],
            row["host"],
            language(f"coverage.{row['kind'].replace(' ', '_')}"),
            row["log"],
            row["user"],
            row["detail"],
        ]
        for row in told.tampering
    ]
    return names, rows


def _gaps(told: Logged, language: Words) -> _Table:
    names = [language(f"coverage.{key}") for key in ("host", "log", "what", "from", "to", "records", "note")]
    rows = []
    for gap in told.gaps:
        hole = gap.hole
        if hole.kind == "extract":
            continue
        note = language(f"coverage.{gap.note}") if gap.note else ""
        if gap.note == "alone":
            note += f" ({language.number(gap.others)})"
        what = language(f"coverage.hole_{hole.kind}")
        rows.append([gap.host, hole.log, what, _time(hole.start), _time(hole.stop), hole.records or "", note])
    return names, rows
