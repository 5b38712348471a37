"""Which findings the page shows in full, when it cannot show all.

In turns: first the newest findings of every rule on every host (`TURN` of them, more where the level is
higher), the most severe rules first; then as many of the next newest, and so on, until the page is full. So
no noisy rule crowds out a quiet one. Memory is bounded by twice `SHOWN` findings with shortened values,
however many pass by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from kazami.model.finding import level_rank
from kazami.model.result import FindingRow
from kazami.respond.text import shorten

#: Findings in full on one page, and characters of their matched values altogether.
SHOWN = 2_000
BUDGET = 1_000_000

#: Findings of one rule on one host that one turn takes, by level, weakest first.
TURN = (1, 1, 4, 10, 20)

#: Of one finding: fields, characters of a value, of all its values, and events named.
FIELDS, VALUE, VALUES, EVENTS = 40, 1_000, 8_000, 3


@dataclass(frozen=True, slots=True)
class Value:
    """One field of an event that the rule looked at: what it held, and how many characters are left out."""

    field: str
    text: str
    more: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding as the page shows it."""

    uid: str
    rule: str
    rank: int
    time: str
    tenant: str
    host: str
    user: str
    table: str
    evidence: str
    record: int
    events: tuple[str, ...]
    event_count: int
    values: tuple[Value, ...]
    fields_left_out: int

    @property
    def size(self) -> int:
        """Characters of its values."""
        return sum(len(value.text) for value in self.values)

    @classmethod
    def of(cls, row: FindingRow) -> Shown:
        """The bounded form of one finding."""
        values, room = [], VALUES
        for name, text in list(row["matched"].items())[:FIELDS]:
            shown, more = shorten(text, min(VALUE, room))
            room -= len(shown)
            values.append(Value(shorten(name, 200)[0], shown, more))
        return cls(
            *(row["finding_uid"], row["rule_id"], level_rank(row["level"]), row["time"] or ""),
            *(row["tenant"], row["host"] or "", row["user"] or "", row["table"], row["evidence"]),
            *(row["record"], tuple(row["event_uids"][:EVENTS]), len(row["event_uids"])),
            *(tuple(values), max(len(row["matched"]) - FIELDS, 0)),
        )


class Selection:
    """Keeps the findings to show while all of them pass by once."""

    def __init__(self, limit: int = SHOWN) -> None:
        self.limit = limit
        self._kept: list[Shown] = []
        self._floor: dict[tuple[str, str, str], tuple[str, str]] = {}

    def add(self, row: FindingRow) -> None:
        """Consider one finding."""
        floor = self._floor.get((row["rule_id"], row["tenant"], row["host"] or ""))
        if floor is not None and (row["time"] or "", row["finding_uid"]) <= floor:
            return  # older than one of its kind that has been dropped
        self._kept.append(Shown.of(row))
        if len(self._kept) >= 2 * self.limit:
            self._prune()

    def _prune(self) -> None:
        ordered = _order(self._kept)
        self._kept = ordered[: self.limit]
        for shown in ordered[self.limit :]:
            kind = (shown.rule, shown.tenant, shown.host)
            self._floor[kind] = max(self._floor.get(kind, ("", "")), (shown.time, shown.uid))
        if len(self._floor) > 50 * self.limit:
            self._floor.clear()  # only a shortcut: what it would have turned away is pruned again

    def shown(self) -> list[Shown]:
        """The findings to show, best first."""
        chosen, room = [], BUDGET
        for shown in _order(self._kept)[: self.limit]:
            room -= shown.size
            if room < 0:
                break
            chosen.append(shown)
        return chosen


def _order(findings: Iterable[Shown]) -> list[Shown]:
    """Best first: by turn within rule and host (newest first), then level, then newest."""
    groups: dict[tuple[str, str, str], list[Shown]] = defaultdict(list)
    for shown in findings:
        groups[shown.rule, shown.tenant, shown.host].append(shown)
    ranked: list[tuple[int, int, Shown]] = []
    for group in groups.values():
        group.sort(key=lambda shown: (shown.time, shown.uid), reverse=True)
        ranked += ((i // TURN[shown.rank], -shown.rank, shown) for i, shown in enumerate(group))
    ranked.sort(key=lambda entry: (entry[2].time, entry[2].uid), reverse=True)
    ranked.sort(key=lambda entry: entry[:2])
    return [shown for _, _, shown in ranked]
