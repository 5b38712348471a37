"""What could not be read or judged: the part of a report that keeps it honest."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from kazami.model.result import EvidenceRow, Summary
from kazami.respond.report.tally import Tally

#: Rules named for one reason, and reasons listed.
NAMED, REASONS = 60, 200


@dataclass(frozen=True, slots=True)
class Reason:
    """Rules that share a reason for not having been judged."""

    text: str
    count: int
    titles: list[str]


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything that limits what the findings can say. `evidence` lists what is worst first."""

    unreadable: int = 0
    partial: int = 0
    rejected_records: int = 0
    rejected_rules: int = 0
    blind_rules: int = 0
    undated: int = 0
    suppressed: int = 0
    notes: list[str] = field(default_factory=list)
    blind: list[Reason] = field(default_factory=list)
    evidence: list[EvidenceRow] = field(default_factory=list)

    @property
    def none(self) -> bool:
        """Whether everything was read and judged."""
        counts = (self.unreadable, self.partial, self.rejected_records, self.rejected_rules)
        return not any((*counts, self.blind_rules, self.undated, self.suppressed, self.notes))


_WORST = ("unreadable", "partial", "done", "skipped")


def _blind(summary: Summary) -> list[Reason]:
    reasons: dict[str, list[str]] = defaultdict(list)
    for blind in summary.blind:
        reasons[blind.reason].append(blind.rule.title or blind.rule.id)
    ordered = sorted(reasons.items(), key=lambda reason: (-len(reason[1]), reason[0]))
    return [Reason(text, len(titles), sorted(titles)[:NAMED]) for text, titles in ordered[:REASONS]]


def limits(summary: Summary, tally: Tally) -> Limits:
    """What limits the findings of one scan."""
    states = [row.state for row in summary.evidence]
    worst = {state: place for place, state in enumerate(_WORST)}
    return Limits(
        unreadable=states.count("unreadable"),
        partial=states.count("partial"),
        rejected_records=summary.rejected_records or sum(row.count for row in summary.rejects),
        rejected_rules=len(summary.rejected_rules),
        blind_rules=len(summary.blind),
        undated=tally.undated,
        suppressed=summary.suppressed,
        notes=summary.notes,
        blind=_blind(summary),
        evidence=sorted(summary.evidence, key=lambda row: (worst.get(row.state, 0), -row.events, row.name)),
    )
