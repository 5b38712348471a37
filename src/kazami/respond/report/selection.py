"""Which findings the page shows in full, when it cannot show all.

In turns: first the newest findings of every rule on every host (`TURN` of them, more where the level is
higher), the most severe rules first; then as many of the next newest, and so on, until the page is full. So
no noisy rule crowds out a quiet one. Memory is bounded by `CANDIDATES` times `SHOWN` findings, however many pass
by; those with long values are shortened at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from kazami.model.finding import level_rank
from kazami.model.result import FindingRow
from kazami.respond.text import shorten

#: Findings in full on one page, and characters of their matched values altogether.
SHOWN = 2_000
BUDGET = 1_000_000

#: So many times the findings to show wait to be compared: comparing costs sorting.
CANDIDATES = 5

#: Findings of one rule on one host that one turn takes, by level, weakest first.
TURN = (1, 1, 4, 10, 20)

#: Characters of matched values above which a finding is shortened as soon as it is considered, not when it is kept.
LARGE = 4_000

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


class _Candidate(NamedTuple):
    """A finding that may be shown: by what it is ordered, and itself, shortened once it was kept."""

    rule: str
    tenant: str
    host: str
    rank: int
    time: str
    uid: str
    finding: FindingRow | Shown

    def bounded(self) -> Shown:
        """The finding as the page would show it."""
        return self.finding if isinstance(self.finding, Shown) else Shown.of(self.finding)


class Selection:
    """Keeps the findings to show while all of them pass by once."""

    def __init__(self, limit: int = SHOWN) -> None:
        self.limit = limit
        self._kept: list[_Candidate] = []
        self._floor: dict[tuple[str, str, str], tuple[str, str]] = {}

    def add(self, row: FindingRow) -> None:
        """Consider one finding."""
        rule, tenant, host = row["rule_id"], row["tenant"], row["host"] or ""
        time, uid = row["time"] or "", row["finding_uid"]
        floor = self._floor.get((rule, tenant, host))
        if floor is not None and (time, uid) <= floor:
            return  # older than one of its kind that has been dropped
        large = sum(map(len, row["matched"].values())) > LARGE
        finding = Shown.of(row) if large else row
        self._kept.append(_Candidate(rule, tenant, host, level_rank(row["level"]), time, uid, finding))
        if len(self._kept) >= CANDIDATES * self.limit:
            self._prune()

    def _prune(self) -> None:
        ordered = _order(self._kept)
        self._kept = [one._replace(finding=one.bounded()) for one in ordered[: self.limit]]
        for dropped in ordered[self.limit :]:
            kind = dropped[:3]
            self._floor[kind] = max(self._floor.get(kind, ("", "")), (dropped.time, dropped.uid))
        if len(self._floor) > 50 * self.limit:
            self._floor.clear()  # only a shortcut: what it would have turned away is pruned again

    def shown(self) -> list[Shown]:
        """The findings to show, best first."""
        chosen, room = [], BUDGET
        for candidate in _order(self._kept)[: self.limit]:
            shown = candidate.bounded()
            room -= shown.size
            if room < 0:
                break
            chosen.append(shown)
        return chosen


def _order(findings: Iterable[_Candidate]) -> list[_Candidate]:
    """Best first: by turn within rule and host (newest first), then level, then newest."""
    groups: dict[tuple[str, str, str], list[_Candidate]] = defaultdict(list)
    for one in findings:
        groups[one[:3]].append(one)
    ranked: list[tuple[int, int, _Candidate]] = []
    for group in groups.values():
        group.sort(key=_newest, reverse=True)
        ranked += ((i // TURN[one.rank], -one.rank, one) for i, one in enumerate(group))
    ranked.sort(key=lambda entry: _newest(entry[2]), reverse=True)
    ranked.sort(key=lambda entry: entry[:2])
    return [one for _, _, one in ranked]


def _newest(candidate: _Candidate) -> tuple[str, str]:
    return candidate[4:6]
