"""A plain page of tables, for what is no case: changes, an evaluation. It needs no network and escapes all that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from kazami.model.finding import LEVELS
from kazami.respond.language import words
from kazami.respond.report import page

_STYLE = """
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: left; vertical-align: top; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td.num { text-align: right; white-space: nowrap; }
.scroll { overflow-x: auto; }
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table with its title. With `levels` the first cell of each row is a level."""

    title: str
    names: Sequence[str]
    rows: Sequence[Sequence[Any]]
    notes: Sequence[str] = ()
    levels: bool = False


def write(title: str, lede: str, sheets: Sequence[Sheet], lang: str) -> str:
    """The page. Raises UsageError for an unknown language."""
    spoken = words(lang)
    style = page.style() + _STYLE
    return page.environment().get_template("sheet.html").render(
        title=title,
        lede=lede,
        sheets=sheets,
        lang=lang,
        words={name: spoken.level(name) for name in LEVELS},
        style=Markup(style),  # noqa: S704 - files of this package
        policy=page.policy(style, ""),
    )  # fmt: skip
