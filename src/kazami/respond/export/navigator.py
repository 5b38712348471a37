"""A layer of the ATT&CK Navigator, layer format 4.5: which techniques, by how many distinct rules.

Format: https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO

import orjson

from kazami.model.attack import techniques as spelled
from kazami.model.result import FindingRow, Summary
from kazami.respond.text import safe, safe_json

_COLORS = ["#fff7d6", "#f2b36b", "#c8433a"]

#: Rules named in the comment of one technique; more are counted.
_NAMED = 30


class Technique:
    """What was seen of one technique: rule id to (title, findings)."""

    def __init__(self) -> None:
        self.rules: dict[str, tuple[str, int]] = {}

    def add(self, row: FindingRow) -> None:
        """Count one finding."""
        _, seen = self.rules.get(row["rule_id"], ("", 0))
        self.rules[row["rule_id"]] = (row["title"], seen + 1)

    def layer(self, technique: str) -> dict[str, Any]:
        """As an entry of the layer's ``techniques``."""
        ordered = sorted(self.rules.values(), key=lambda rule: (-rule[1], rule[0]))
        lines = [f"{safe(title)} ({count})" for title, count in ordered[:_NAMED]]
        if len(ordered) > _NAMED:
            lines.append(f"... {len(ordered) - _NAMED} more rules")
        return {
            "techniqueID": technique,
            "score": len(ordered),
            "enabled": True,
            "comment": "\n".join(lines),
            "metadata": [{"name": "findings", "value": str(sum(count for _, count in ordered))}],
        }


def layer(seen: dict[str, Technique], summary: Summary) -> dict[str, Any]:
    """The whole layer."""
    most = max((len(technique.rules) for technique in seen.values()), default=0)
    return {
        "name": safe(f"Kazami: {summary.case}"),
        "versions": {"navigator": "5.2.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": "Score: number of distinct rules with findings. Comment: the rules, with their findings.",
        "sorting": 3,
        "hideDisabled": False,
        "layout": {"layout": "side", "showID": True, "showName": True, "expandedSubtechniques": "annotated"},
        "techniques": [seen[name].layer(name) for name in sorted(seen)],
        "gradient": {"colors": _COLORS, "minValue": 0, "maxValue": max(most, 1)},
        "metadata": [{"name": "kazami", "value": safe(summary.version)}],
    }


def write(findings: Iterable[FindingRow], summary: Summary, out: TextIO) -> int:
    """Write one layer to `out`; returns the number of findings that were read."""
    seen: dict[str, Technique] = {}
    count = 0
    for row in findings:
        count += 1
        if row.get("suppressed"):
            continue
        for technique in spelled(f"attack.{name}" for name in row["techniques"]):
            seen.setdefault(technique, Technique()).add(row)
    text = orjson.dumps(layer(seen, summary), option=orjson.OPT_INDENT_2).decode()
    out.write("\n".join(map(safe_json, text.split("\n"))) + "\n")
    return count
