"""The row of ATT&CK tactics: which stages of an attack the findings speak of."""

from __future__ import annotations

from dataclasses import dataclass, field

from kazami.model.attack import TACTICS
from kazami.model.finding import LEVELS
from kazami.respond.report.chapters import by_severity
from kazami.respond.report.tally import Tally

#: Rules named in one tactic, and techniques named in all; more are counted.
NAMED = 3
TECHNIQUES = 40


@dataclass(slots=True)
class Tactic:
    """One tactic: its rules (id and title, the most severe first), its findings, and the highest level."""

    key: str
    rules: list[tuple[str, str]] = field(default_factory=list)
    findings: int = 0
    rank: int = 0

    @property
    def level(self) -> str:
        """The highest level of its findings."""
        return LEVELS[self.rank] if self.rules else "none"

    @property
    def named(self) -> list[tuple[str, str]]:
        """Rules for which there is room."""
        return self.rules[:NAMED]

    @property
    def unnamed(self) -> int:
        """Rules for which there is none."""
        return max(len(self.rules) - NAMED, 0)


#: What ATT&CK 19 calls by other names, and those names.
_OLD, _NEW = "defense-evasion", ("stealth", "defense-impairment")


def row(tally: Tally) -> list[Tactic]:
    """All tactics in the order of the matrix, those without findings too.

    Of the old and the new words for defense evasion only those stand here that are used, else the new ones.
    """
    tactics = {key: Tactic(key) for key in TACTICS}
    for rule in by_severity(tally):
        text = tally.texts.get(rule.key)
        if text is None:
            continue
        for key in text.tactics:
            if tactic := tactics.get(key):
                tactic.rules.append((rule.key, text.title))
                tactic.findings += rule.count
                tactic.rank = max(tactic.rank, rule.rank)
    old = bool(tactics[_OLD].rules)
    new = any(tactics[key].rules for key in _NEW) or not old
    hidden = {_OLD} if not old else set() if new else set(_NEW)
    return [tactic for key, tactic in tactics.items() if key not in hidden]


def techniques(tally: Tally) -> list[tuple[str, int, str]]:
    """Technique, distinct rules, highest level: those of the highest level first, then of most rules."""
    seen: dict[str, tuple[int, int]] = {}
    for rule in tally.rules.values():
        text = tally.texts.get(rule.key)
        for technique in text.techniques if text else ():
            rank, rules = seen.get(technique, (0, 0))
            seen[technique] = max(rank, rule.rank), rules + 1
    ordered = sorted(seen.items(), key=lambda one: (-one[1][0], -one[1][1], one[0]))
    return [(technique, rules, LEVELS[rank]) for technique, (rank, rules) in ordered]
