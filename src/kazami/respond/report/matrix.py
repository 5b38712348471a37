"""The ATT&CK matrix of what was found: tactics as columns in order, techniques in them, sub-techniques under their parents.

Names and places come from the table in use. A technique stands in those of its tactics that the rule speaks for; where the
rule names none of them, in the first that the incident has, else in its first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kazami.intel import shelf, translate
from kazami.model.attack import TACTICS
from kazami.model.finding import LEVELS, level_rank
from kazami.model.incident import Incident
from kazami.respond.report.tally import Tally

#: Techniques that one matrix shows; more are counted.
MOST = 300

#: What ATT&CK 19 calls by other names, and those names.
_OLD, _NEW = "defense-evasion", ("stealth", "defense-impairment")


class Touch(NamedTuple):
    """What a rule, or a step, says of techniques: how many findings, and the rank of its level."""

    tactics: Sequence[str]
    techniques: Sequence[str]
    rank: int
    findings: int


@dataclass(slots=True)
class Cell:
    """A technique: its own name without its parent's, findings, highest level (none where only a part of it was seen)."""

    id: str
    name: str
    count: int = 0
    rank: int = -1
    parts: list[Cell] = field(default_factory=list)

    @property
    def level(self) -> str:
        """The highest level in words."""
        return LEVELS[self.rank] if self.rank >= 0 else "none"

    @property
    def worst(self) -> int:
        """The highest level of it and its parts, as a number."""
        return max([self.rank, *(part.rank for part in self.parts)])


@dataclass(slots=True)
class Column:
    """A tactic: its techniques, the worst first; `sources` are rules or steps, `count` their findings."""

    tactic: str
    cells: list[Cell] = field(default_factory=list)
    sources: int = 0
    count: int = 0
    rank: int = -1

    @property
    def level(self) -> str:
        """The highest level in words."""
        return LEVELS[self.rank] if self.sources else "none"


@dataclass(frozen=True, slots=True)
class Matrix:
    """Columns in the order of ATT&CK, those without anything too; `left_out` techniques had no room."""

    columns: list[Column]
    techniques: int = 0
    left_out: int = 0

    @property
    def silent(self) -> list[str]:
        """Tactics of which nothing was found."""
        return [column.tactic for column in self.columns if not column.sources]


def of_case(tally: Tally) -> Matrix:
    """The matrix of all rules with findings."""
    rules = ((rule, tally.texts[rule.key]) for rule in tally.rules.values() if rule.key in tally.texts)
    return matrix(Touch(text.tactics, text.techniques, rule.rank, rule.count) for rule, text in rules)


def of_incident(one: Incident) -> Matrix:
    """The matrix of the steps of an incident."""
    return matrix(
        (
            Touch(
                (step.tactic,) if step.tactic else (), step.techniques, level_rank(step.level), step.findings
            )
            for step in one.steps
        ),
        one.tactics,
    )


def matrix(touches: Iterable[Touch], among: Sequence[str] = ()) -> Matrix:
    """The matrix of `touches`; `among` are the tactics to prefer for a technique whose rule names none of its own."""
    columns = {tactic: Column(tactic) for tactic in TACTICS}
    cells: dict[tuple[str, str], Cell] = {}
    known: set[str] = set()
    left_out: set[str] = set()
    for touch in touches:
        for tactic in dict.fromkeys(touch.tactics):
            if column := columns.get(tactic):
                column.sources += 1
                column.count += touch.findings
                column.rank = max(column.rank, touch.rank)
        for technique in dict.fromkeys(touch.techniques):
            if technique not in known and len(known) >= MOST:
                left_out.add(technique)
                continue
            known.add(technique)
            for tactic in _places(technique, touch.tactics, among):
                _add(columns[tactic], cells, technique, touch)
    for column in columns.values():
        column.cells.sort(key=lambda cell: (-cell.worst, cell.id))
        for cell in column.cells:
            cell.parts.sort(key=lambda part: part.id)
    return Matrix(list(_shown(columns)), len(known), len(left_out))


def _add(column: Column, cells: dict[tuple[str, str], Cell], technique: str, touch: Touch) -> None:
    parent = technique.partition(".")[0]
    for one in dict.fromkeys((parent, technique)):
        if (column.tactic, one) not in cells:
            made = cells[column.tactic, one] = Cell(one, translate.name(one).rpartition(": ")[2])
            above = column.cells if one == parent else cells[column.tactic, parent].parts
            above.append(made)
    cell = cells[column.tactic, technique]
    cell.count += touch.findings
    cell.rank = max(cell.rank, touch.rank)
    if not column.sources:  # where the technique is, though no rule speaks for the tactic
        column.rank = max(column.rank, touch.rank)
        column.sources = 1
        column.count = touch.findings


def _places(technique: str, tactics: Sequence[str], among: Sequence[str]) -> list[str]:
    """The columns that a technique belongs to; one at least."""
    entry = shelf.attack().technique.get(technique)
    own = [tactic for tactic in entry.tactics if tactic in TACTICS] if entry else []
    meant = [tactic for tactic in tactics if tactic in TACTICS and (not own or _within(tactic, own))]
    if meant:
        return meant
    return [next((tactic for tactic in among if _within(tactic, own)), own[0] if own else TACTICS[3])]


def _within(tactic: str, own: Sequence[str]) -> bool:
    """Whether a tactic is one of `own`, in the words of ATT&CK 18 or 19."""
    return (
        tactic in own
        or (tactic in _NEW and _OLD in own)
        or (tactic == _OLD and any(one in own for one in _NEW))
    )


def _shown(columns: dict[str, Column]) -> Iterator[Column]:
    """Of the old and the new words for defense evasion only those that are used, else the new ones."""
    old = bool(columns[_OLD].sources)
    new = any(columns[tactic].sources for tactic in _NEW) or not old
    hidden = {_OLD} if not old else set() if new else set(_NEW)
    return (column for tactic, column in columns.items() if tactic not in hidden)
