"""``kazami attribute``: who it may have been, how likely, how sure, and why not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kazami.cli.exit_code import DONE
from kazami.cli.output import own_packs
from kazami.cli.scan import Language

if TYPE_CHECKING:
    from kazami.attribute.assess import Assessment

_STYLES = {"title": "bold", "claim": "bold", "text": "", "item": "", "note": "dim"}


def attribute(
    case: Annotated[Path, typer.Argument(help="Folder of the case.")],
    incident: Annotated[str, typer.Option(help="Only this incident: its id, or the beginning of it.")] = "",
    tenant: Annotated[str, typer.Option(help="Only this tenant.")] = "",
    level: Annotated[str, typer.Option(help="Findings of this level and above.")] = "medium",
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.en,
) -> int:
    """Weigh what was found against what groups are known for: an open set, where nobody is a possible answer."""
    from kazami.pipeline.attribution import attributed
    from kazami.store.case import Case

    own_packs()
    with Case.open(case, read_only=True) as opened:
        found = attributed(opened, incident, tenant, level)
    if not found:
        sys.stderr.write(f"no findings of level {level} or above\n")
    if sys.stdout.isatty():
        for whose, one in found.items():
            _print(whose if len(found) > 1 else "", one, lang.value)
    else:
        _write(found, lang.value)
    return DONE


def _print(whose: str, assessment: Assessment, lang: str) -> None:
    from rich.text import Text

    from kazami.attribute.measured import measured
    from kazami.cli.terminal import data
    from kazami.respond.assessment import lines
    from kazami.respond.language import words
    from kazami.respond.text import safe

    console = data()
    if whose:
        console.print(Text(safe(whose), style="bold underline"))
    for kind, text in lines(assessment.plain(), measured(), words(lang)):
        console.print(Text(("    " if kind == "item" else "") + safe(text), style=_STYLES[kind]))
    console.print()


def _write(found: dict[str, Assessment], lang: str) -> None:
    from kazami.attribute.measured import measured
    from kazami.cli.terminal import out
    from kazami.respond.assessment import claim, sure
    from kazami.respond.export.jsonl import dumps
    from kazami.respond.language import words

    language = words(lang)
    for whose, one in found.items():
        plain: dict[str, Any] = one.plain()
        said = {"claim": claim(plain, language), "sure": sure(plain, language)}
        out().write(dumps({"tenant": whose, **said, **plain, "measured": measured()}) + "\n")
