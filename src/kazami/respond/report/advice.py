"""What to do: for one rule, and gathered for all that was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kazami.intel import translate
from kazami.intel.measure import WHEN, Measure, measures
from kazami.model.finding import LEVELS
from kazami.respond.report.tally import Tally

#: Measures shown at once for one time; the others fold away.
SHOWN = 8

#: Findings below this level are told what to do about only where there is nothing above.
ENOUGH = LEVELS.index("medium")


@dataclass(frozen=True, slots=True)
class Stage:
    """What to do at one time (`when` of `WHEN`): the first, and those that fold away, each with its techniques."""

    when: str
    first: list[tuple[Measure, list[str]]]
    others: list[tuple[Measure, list[str]]]


def advised(techniques: Sequence[str]) -> list[tuple[str, list[Measure]]]:
    """What to do about `techniques` of one rule, by time; times without anything are left out."""
    what = [one.measure for one in measures().gathered(techniques)]
    staged = [(when, [one for one in what if one.when == when]) for when in WHEN]
    return [(when, found) for when, found in staged if found]


def gathered(tally: Tally) -> list[Stage]:
    """What to do about everything found: first what the most severe findings ask for, of these
    the measures that are for few techniques, which say most, before those that are for many."""
    worst = _worst(tally)
    enough = {one: rank for one, rank in worst.items() if rank >= ENOUGH} or worst
    found, breadth = measures().gathered(enough), measures().breadth
    ordered = sorted(
        found, key=lambda one: (-max(enough[why] for why in one.techniques), breadth(one.measure))
    )
    stages = []
    for when in WHEN:
        mine = [(one.measure, list(one.techniques)) for one in ordered if one.measure.when == when]
        if mine:
            stages.append(Stage(when, mine[:SHOWN], mine[SHOWN:]))
    return stages


def named(technique: str) -> str:
    """The name of a technique; empty where nobody knows it."""
    return translate.name(technique)


def version(technique: str) -> str:
    """The version of ATT&CK whose id it is; empty where nobody knows it."""
    return translate.version_of(technique)


def _worst(tally: Tally) -> dict[str, int]:
    """The highest level of a finding, by technique."""
    worst: dict[str, int] = {}
    for rule in tally.rules.values():
        text = tally.texts.get(rule.key)
        for technique in text.techniques if text else ():
            worst[technique] = max(worst.get(technique, 0), rule.rank)
    return worst
