"""Correlations over all matches of a case: exact, whatever order the matches come in.

Meaning, in full: docs/decisions/0020-correlations.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from kazami.detect.sigma.correlation.condition import FALLING
from kazami.detect.sigma.correlation.entries import Entries, entries
from kazami.detect.sigma.correlation.hit import Hit, hits_of
from kazami.detect.sigma.correlation.kinds import lasting
from kazami.detect.sigma.correlation.matches import Ints, Matches
from kazami.detect.sigma.correlation.measure import measure, met
from kazami.detect.sigma.correlation.source import HitSource, RuleSource, Source
from kazami.detect.sigma.correlation.window import Episode, episodes, windows
from kazami.detect.sigma.rule import Correlation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one correlation found, and how many of how many matches could not take part, by what they lack."""

    correlation: Correlation
    hits: list[Hit]
    matches: int
    lacking: dict[str, int]


def evaluate(correlations: Iterable[Correlation], matches: Matches) -> list[Outcome]:
    """The outcome of each correlation; `correlations` are in the order of `resolve`, each after those it builds on."""
    sources: dict[str, Source] = {}
    outcomes = []
    occurrences = len(matches.event)
    for correlation in correlations:
        for rule in correlation.rules:
            if rule not in sources:
                sources[rule] = RuleSource.of(rule, matches)
        parts = tuple(sources[rule] for rule in correlation.rules)
        found, lacking = entries(correlation, parts, matches)
        outcome, source = _evaluated(correlation, found, parts, matches, occurrences)
        occurrences += len(source.row) + len(outcome)
        sources[correlation.info.id] = source
        total = sum(len(part.row) + part.untimed for part in parts)
        outcomes.append(Outcome(correlation, outcome, total, lacking))
    return outcomes


def _evaluated(
    correlation: Correlation, found: Entries, parts: tuple[Source, ...], matches: Matches, occurrences: int
) -> tuple[list[Hit], HitSource]:
    """Hits, and the same as a source; `occurrences` is the first number that nothing is counted as yet."""
    timespan = round(correlation.timespan * 1_000_000)
    within = windows(found.group, found.time, timespan, full=not lasting(correlation))
    measured = measure(correlation, found, within)
    holding = np.flatnonzero(met(correlation, measured, found, within))
    falling = bool(correlation.condition) and all(op in FALLING for op, _ in correlation.condition)

    joined = episodes(within[holding])
    shown = [measured.best(holding[e.opening : e.closing], smallest=falling) for e in joined]
    hits = hits_of(correlation, joined, shown, found, matches)
    return hits, _source(correlation, found, parts, joined, within[holding].end, matches.event, occurrences)


def _source(
    correlation: Correlation,
    found: Entries,
    parts: tuple[Source, ...],
    joined: list[Episode],
    moments: Ints,
    event: Ints,
    occurrences: int,
) -> HitSource:
    """Hits as members for correlations that build on this one; `moments` are the entries at which the condition is met."""
    sizes = [e.end - e.start + 1 for e in joined]
    hit = np.repeat(np.arange(len(joined), dtype=np.int64), sizes)
    inside: Ints = np.concatenate([np.empty(0, np.int64), *(np.arange(e.start, e.end + 1) for e in joined)])
    row = found.row[inside]
    giver = np.unique(hit * len(event) + event[row], return_inverse=True)[1]
    return HitSource(
        correlation=correlation,
        parts=parts,
        step=found.step[inside],
        member=found.member[inside],
        row=row,
        time=found.time[moments[np.searchsorted(moments, inside)]],
        occurrence=occurrences + hit,
        giver=occurrences + len(joined) + giver,
    )
