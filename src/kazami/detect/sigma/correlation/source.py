"""What a correlation builds on: the matches of a rule, or the hits of another correlation.

A source is a list of *members*. Of a rule, each match with a readable time is a member. Of a correlation,
each event of each hit is a member, that stands at the first moment from its own time on at which the condition
was met: a hit that lasts for hours can so be followed, within minutes, by what happened in its midst.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kazami.detect.sigma.correlation.matches import MISSING, UNTIMED, Ints, Matches
from kazami.detect.sigma.rule import Correlation


class Source(Protocol):
    """Members in columns.

    `row` is a member's row of the matches, `time` where it stands, `occurrence` what it is counted as (an
    event, or a hit), `giver` what its number is counted of (an event, or an event of a hit). Occurrences and givers
    of different sources are the same number only if they are the same thing.
    """

    @property
    def row(self) -> Ints: ...
    @property
    def time(self) -> Ints: ...
    @property
    def occurrence(self) -> Ints: ...
    @property
    def giver(self) -> Ints: ...
    @property
    def untimed(self) -> int: ...

    def texts(self, name: str, alias: Mapping[str, str]) -> Ints:
        """Positions in the matches' texts, of the field `name`, or of the field that `alias` has for a rule."""
        ...


@dataclass(frozen=True, slots=True)
class RuleSource:
    """The matches of a rule that is no correlation."""

    id: str
    matches: Matches
    row: Ints
    time: Ints
    occurrence: Ints
    untimed: int

    @classmethod
    def of(cls, rule_id: str, matches: Matches) -> RuleSource:
        """The members of a rule; none where it matched nothing."""
        code = matches.rules.index(rule_id) if rule_id in matches.rules else -1
        found = np.flatnonzero(matches.rule == code)
        row = found[matches.time[found] != UNTIMED]
        return cls(rule_id, matches, row, matches.time[row], matches.event[row], len(found) - len(row))

    @property
    def giver(self) -> Ints:
        """An event gives its number once, however many rules it matched."""
        return self.occurrence

    def texts(self, name: str, alias: Mapping[str, str]) -> Ints:
        """See `Source`."""
        column = self.matches.fields.get(alias.get(self.id, name))
        return column[self.row] if column is not None else np.full(len(self.row), MISSING, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class HitSource:
    """The hits of a correlation: `parts` are its own sources, `step` says of which, and `member` which there."""

    correlation: Correlation
    parts: tuple[Source, ...]
    step: Ints
    member: Ints
    row: Ints
    time: Ints
    occurrence: Ints
    giver: Ints
    untimed: int = 0

    def texts(self, name: str, alias: Mapping[str, str]) -> Ints:
        """See `Source`. Aliases of the inner correlation are fields of its hits; an outer one may name its rules."""
        mine = self.correlation
        if mine.info.id in alias:
            name, alias = alias[mine.info.id], {}
        inner = {**mine.aliases.get(name, {}), **alias}
        found = np.full(len(self.row), MISSING, dtype=np.int64)
        for step, part in enumerate(self.parts):
            here = self.step == step
            if here.any():
                found[here] = part.texts(name, inner)[self.member[here]]
        return found
