"""The row of ATT&CK tactics: which stages of an attack the findings speak of."""

from __future__ import annotations

from dataclasses import dataclass, field

from kazami.model.attack import TACTICS
from kazami.model.finding import LEVELS
from kazami.respond.report.chapters import by_severity
from kazami.respond.report.tally import Tally


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
