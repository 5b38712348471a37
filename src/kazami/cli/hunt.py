"""``kazami hunt``: questions that packs bring, asked of a case."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kazami.cli.exit_code import DONE, FINDINGS
from kazami.cli.rows import line, table
from kazami.cli.scan import Language
from kazami.respond.language import Words, words

if TYPE_CHECKING:
    from kazami.survey.answer import Answer
    from kazami.survey.hunts import Hunts, Packed

app = typer.Typer(help="Hunts: questions in words that packs bring, asked of a case.", no_args_is_help=True)

Packs = Annotated[
    list[str] | None,
    typer.Option("--pack", help="Hunts of this pack, by name or folder (default: all). May be repeated."),
]
Lang = Annotated[Language, typer.Option(help="Language.")]


class Form(StrEnum):
    """Forms of rows."""

    table = "table"
    jsonl = "jsonl"


def _load(packs: list[str] | None) -> Hunts:
    from kazami.survey.hunts import load

    found = load(packs)
    for gone in found.broken:
        sys.stderr.write(f"kazami: {gone.path}: no hunt: {gone.reason}\n")
    return found


@app.command("list")
def list_hunts(pack: Packs = None, lang: Lang = Language.en) -> int:
    """List the hunts, with the logs that each needs."""
    found = _load(pack)
    table(
        ["id", "pack", "title", "question", "techniques", "needs", "path"],
        [
            (
                one.hunt.id,
                one.pack,
                one.hunt.title.of(lang),
                one.hunt.question.of(lang),
                ", ".join(one.hunt.techniques),
                ", ".join(need.log for need in one.hunt.needs if not need.extra),
                one.path,
            )
            for one in found.loaded
        ],
    )
    return FINDINGS if found.broken else DONE


@app.command()
def run(
    case: Annotated[Path, typer.Argument(help="Folder of the case.")],
    hunts: Annotated[list[str] | None, typer.Argument(help="Ids such as H4 (default: all).")] = None,
    pack: Packs = None,
    rows: Annotated[int, typer.Option(min=1, max=1000, help="Rows of an answer at most.")] = 20,
    form: Annotated[Form | None, typer.Option("--format", help="Form (terminal: table, else jsonl).")] = None,
    lang: Lang = Language.en,
) -> int:
    """Ask a case the hunts: what is found, how to read it, what to do next; or that the log is not there."""
    from kazami.cli.terminal import speaking
    from kazami.store.case import Case
    from kazami.store.seen import views
    from kazami.survey.answer import ask

    chosen = _load(pack).chosen(hunts or [])
    language = words(lang)
    with Case.open(case, read_only=True) as opened, speaking(sys.stdout):
        known = views(opened)
        answers = ((one, ask(opened, one.hunt, known, rows)) for one in chosen)
        if (form or (Form.table if sys.stdout.isatty() else Form.jsonl)) is Form.table:
            _tell(answers, language)
        else:
            _lines(answers, language)
    return DONE


def _lines(answers: Iterator[tuple[Packed, Answer]], language: Words) -> None:
    from kazami.cli.terminal import out

    stream = out()
    for one, answer in answers:
        hunt, lang = one.hunt, language.lang
        said: dict[str, Any] = {
            "hunt": hunt.id,
            "pack": one.pack,
            "title": hunt.title.of(lang),
            "question": hunt.question.of(lang),
            "state": answer.state.value,
            "missing": [str(gone) for gone in answer.missing],
            "rows": [dict(zip(answer.names, row, strict=True)) for row in answer.rows],
            "more": answer.more,
            "reason": answer.reason,
            "answer": hunt.answer.of(lang),
            "next": hunt.next.of(lang),
            "techniques": hunt.techniques,
        }
        stream.write(line(said) + "\n")


def _tell(answers: Iterator[tuple[Packed, Answer]], language: Words) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from kazami.cli.rows import drawn
    from kazami.cli.terminal import data
    from kazami.respond.text import safe

    console = data()
    counts: dict[str, int] = {}
    for one, answer in answers:
        hunt, lang, state = one.hunt, language.lang, answer.state.value
        counts[state] = counts.get(state, 0) + 1
        head = Text(f"{hunt.id}  {hunt.title.of(lang)}", style="bold")
        console.print(head.append(f"  {language(f'hunt.{state}')}", style=_STYLES[state]))
        console.print(Padding(Text(hunt.question.of(lang), style="dim"), (0, 0, 0, 4)))
        for text in _missing(answer, language):
            console.print(Padding(Text(safe(text), style="yellow"), (0, 0, 0, 4)))
        if answer.rows:
            shown = replace(answer, rows=[row[:-1] for row in answer.rows]) if _uid(answer) else answer
            names = answer.names[:-1] if _uid(answer) else answer.names
            console.print(Padding(drawn(names, shown.rows), (0, 0, 0, 4)))
            if answer.more:
                console.print(Padding(Text(language("hunt.more"), style="dim"), (0, 0, 0, 4)))
            for key, advice in (("hunt.read", hunt.answer), ("hunt.next", hunt.next)):
                said = Text(f"{language(key)} ", style="bold").append(advice.of(lang), style="not bold")
                console.print(Padding(said, (0, 0, 0, 4)))
        console.print()
    total = "   ".join(f"{language(f'hunt.{state}')}: {n}" for state, n in counts.items())
    console.print(Text(total, style="bold"))


_STYLES = {"found": "bold yellow", "nothing": "green", "partly": "cyan", "blind": "red", "failed": "red"}


def _uid(answer: Answer) -> bool:
    """Whether the last column is for machines."""
    return answer.names[-1:] == ("event_uid",)


def _missing(answer: Answer, language: Words) -> Iterator[str]:
    """What is not in the case, and what has to be switched on for it to be there."""
    from kazami.survey.setting import settings

    if answer.reason:
        yield answer.reason
    for gone in answer.missing:
        setting = settings()[gone.need.setting]
        key = "hunt.extra" if gone.need.extra else "hunt.missing"
        yield language(key, log=str(gone), how=setting.how.of(language.lang))
