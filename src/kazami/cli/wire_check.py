"""What ``kazami rules check`` says of rules in Suricata's language."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kazami.config import Settings
    from kazami.detect.network.suricata.compile import Rules

#: State, id, title, reason, path: a row of the table.
Row = tuple[str, str, str, str, str]


def rows(paths: Sequence[Path], settings: Settings) -> list[Row]:
    """A row for each rule in files that end in ``.rules``; what is missing is counted on the standard error."""
    from kazami.pipeline import wire_rules

    wire = wire_rules.of(paths, settings)
    if not wire[0]:
        return []
    loaded = wire_rules.load(*wire)
    _count(loaded)
    found: list[Row] = [
        ("loaded", str(rule.sid), rule.message, "; ".join(rule.notices), f"{rule.path}:{rule.line}")
        for rule in loaded.running
    ]
    found += [
        ("unsupported" if left.keyword else "rejected", str(left.sid), left.message,
         f"{left.keyword}: {left.reason}" if left.keyword and left.reason else left.keyword or left.reason,
         f"{left.path}:{left.line}")
        for left in loaded.left
    ]  # fmt: skip
    return found


def _count(loaded: Rules) -> None:
    from kazami.detect.network.suricata.compile import reasons

    total = len(loaded.running) + len(loaded.left)
    sys.stderr.write(f"{len(loaded.running):,} of {total:,} rules run ({100 * loaded.share:.2f} %)\n")
    for reason, count in reasons(loaded):
        sys.stderr.write(f"  {count:,} do not: {reason}\n")
