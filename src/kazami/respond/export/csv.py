"""Comma-separated values (RFC 4180, UTF-8): one finding a row, for spreadsheets, guarded against formulas.

A cell that a spreadsheet would take for a formula gets a leading apostrophe, after OWASP's advice on CSV
injection; the full-width signs count too, because Japanese spreadsheets read them as the plain ones.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from typing import TextIO

from kazami.model.result import FindingRow, Summary
from kazami.respond.text import safe_lines

COLUMNS = (
    *("time", "level", "title", "tenant", "host", "user", "techniques", "tactics", "matched"),
    *("table", "evidence", "record", "kind", "rule_id", "rule_version", "tags", "description"),
    *("author", "falsepositives", "references", "event_uids", "finding_uid"),
)

#: What opens a formula, or is stripped before one is looked for.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")

#: What a cell of a spreadsheet can hold (Excel's limit is 32,767); the JSON lines export is whole.
CELL = 32_000


def cell(value: object) -> str:
    """`value` as the text of one cell, harmless to a spreadsheet and to a terminal."""
    if type(value) is str and value.isprintable() and value[:1] not in FORMULA and len(value) <= CELL:
        return value  # nearly all of them
    if isinstance(value, Mapping):
        parts = [f"{name}: {part}" for name, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [str(part) for part in value]
    else:
        parts = ["" if value is None else str(value)]
    text = "\n".join(map(safe_lines, parts))
    guard = "'" if text.startswith(FORMULA) or (parts and parts[0].startswith(FORMULA)) else ""
    if len(text) > CELL:
        text = f"{text[:CELL]} [... {len(text) - CELL} more characters]"
    return guard + text


def write(findings: Iterable[FindingRow], summary: Summary, out: TextIO) -> int:
    """Write a header and one row a finding to `out`; returns the number of findings."""
    sheet = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    sheet.writerow(COLUMNS)
    count = 0
    for row in findings:
        values: Mapping[str, object] = row
        sheet.writerow([cell(values.get(name)) for name in COLUMNS])
        count += 1
    return count
