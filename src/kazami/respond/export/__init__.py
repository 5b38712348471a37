"""Findings in the formats of other tools; every writer streams and holds no more than what its format needs.

write("csv", findings, summary, out)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TextIO

from kazami.errors import UsageError
from kazami.model.result import FindingRow, Summary
from kazami.respond.export import csv, jsonl, navigator, sarif, table, timesketch

Writer = Callable[[Iterable[FindingRow], Summary, TextIO], int]

#: What ``--format`` takes. A writer gets findings, the summary and an open text file (UTF-8, ``newline=""``),
#: and returns how many findings it read.
WRITERS: dict[str, Writer] = {
    "table": table.write,
    "jsonl": jsonl.write,
    "csv": csv.write,
    "sarif": sarif.write,
    "timesketch": timesketch.write,
    "navigator": navigator.write,
}


def write(name: str, findings: Iterable[FindingRow], summary: Summary, out: TextIO, lang: str = "en") -> int:
    """Write `findings` in the format `name`; only the table is for people and knows languages.

    Raises UsageError for an unknown format.
    """
    if name not in WRITERS:
        raise UsageError(f"no format {name!r}: one of {', '.join(WRITERS)}")
    if name == "table":
        return table.write(findings, summary, out, lang)
    return WRITERS[name](findings, summary, out)
