"""Findings as lines for a terminal: one for the finding, and a faint one below for what matched.

Nothing in it is interpreted: no markup, no control codes. Lines are as wide as the terminal; in a file they
are `FILE` columns wide. Rows are written as they come, so a million of them take no memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style

from kazami.model.finding import LEVELS, level_rank
from kazami.model.result import FindingRow, Summary
from kazami.respond.language import Words, words
from kazami.respond.text import safe, shorten

#: Columns of a table that goes to a file.
FILE = 200

#: Weakest first; colors are the terminal's own sixteen.
STYLES = tuple(map(Style.parse, ("dim", "cyan", "yellow", "bright_red", "bold white on red")))
FAINT, BOLD = Style.parse("dim"), Style.parse("bold")


def fit(text: str, width: int) -> str:
    """`text` made safe, cut or filled to exactly `width` columns (a CJK character takes two)."""
    shown = safe(shorten(text, 4 * width)[0])
    if cell_len(shown) <= width:
        return shown + " " * (width - cell_len(shown))
    return set_cell_size(shown, width - 1) + "…"


def widths(total: int, level: int) -> dict[str, int]:
    """Columns that have room in `total`, with their widths; `level` is that of the longest level."""
    columns = {"level": level}
    if total >= 60:
        columns |= {"time": 19, "host": min(max(total // 6, 10), 24)}
    if total >= 110:
        columns["user"] = min(max(total // 7, 12), 28)
    if total >= 140:
        columns["techniques"] = 20
    columns["title"] = max(total - sum(columns.values()) - 2 * len(columns), 10)
    return columns


def _order(columns: dict[str, int]) -> list[str]:
    return [name for name in ("time", "level", "host", "user", "title", "techniques") if name in columns]


def _lines(
    row: FindingRow, columns: dict[str, int], language: Words, total: int
) -> Iterator[tuple[str, Style | None]]:
    """The parts of a finding's two lines, each with its style; a line ends with a line feed."""
    values = {
        "time": language.time(row["time"]),
        "level": language.level(row["level"]),
        "host": row["host"] or "–",
        "user": row["user"] or "–",
        "title": row["title"],
        "techniques": " ".join(row["techniques"]),
    }
    for number, name in enumerate(_order(columns)):
        style = STYLES[level_rank(row["level"])] if name == "level" else None
        yield ("  " if number else ""), None
        yield fit(values[name], columns[name]), style
    yield "\n", None
    if row["matched"]:
        indent = columns.get("time", 0) + 2
        why = "  ".join(f"{name}: {shorten(value, total)[0]}" for name, value in row["matched"].items())
        yield " " * indent + fit(why, max(total - indent, 10)).rstrip(), FAINT
        yield "\n", None


def write(findings: Iterable[FindingRow], summary: Summary, out: TextIO, lang: str = "en") -> int:
    """Write a heading and two lines a finding to `out`; returns the number of findings."""
    console = Console(file=out)
    color = ColorSystem.STANDARD if console.color_system and not console.no_color else None
    total = console.width if out.isatty() else FILE
    language = words(lang)
    level_words = [language("table.level"), *map(language.level, LEVELS)]
    columns = widths(total, max(map(cell_len, level_words)))

    def put(text: str, style: Style | None) -> None:
        out.write(style.render(text, color_system=color) if style and color else text)

    count = 0
    for row in findings:
        if not count:
            put("  ".join(fit(language(f"table.{name}"), columns[name]) for name in _order(columns)), BOLD)
            put("\n", None)
        for text, style in _lines(row, columns, language, total):
            put(text, style)
        count += 1
    return count
