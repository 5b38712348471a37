"""How good the attribution is: ``python -m benchmarks.attribution [--data DIR] [--keep FILE]``.

Leave-one-report-out: each report with five techniques or more of a group is taken for an intrusion, and what only it
says is forgotten; and the same with all reports forgotten that may tell of the same intrusion ("alone"). Leave-one-campaign-out: the same with campaigns that are attributed, and all their reports. Each case is
tried with the true group among the candidates and without it. The temperature is chosen on the groups of the other
folds, so that no group is judged by what was learned from it. Reports are optimistic (several describe one intrusion); campaigns
are few: beside each error stands what a judge would show whose every probability is right. On emulations nobody may be named above low.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, at_most, publish, told
from benchmarks.played import assessments
from kazami.attribute.assess import METHOD, judge
from kazami.attribute.likelihood import TEMPERATURE, candidates, countable, nats, posterior
from kazami.attribute.profile import Matrix, Profiles, profiles
from kazami.intel.shelf import shipped

#: Techniques that a report or campaign needs, folds of groups, and temperatures to choose from.
LEAST, FOLDS, TEMPERATURES = 5, 5, (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6)


@dataclass(frozen=True, slots=True)
class Intrusion:
    """A report or campaign taken for an intrusion: who it was, what was seen, and what must be forgotten for it."""

    groups: tuple[int, ...]
    features: tuple[str, ...]
    reports: frozenset[int] = frozenset()
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One intrusion, weighed once: the candidates' scores, and what is needed to judge it."""

    intrusion: Intrusion
    items: list[str]
    ratios: Matrix
    known: Matrix
    able: np.ndarray

    def outcome(self, world: Profiles, temperature: float, absent: bool) -> Outcome:
        """What is said, with the true groups among the candidates or `absent`."""
        able = self.able.copy()
        if absent:
            able[list(self.intrusion.groups)] = False
        scores = self.ratios.sum(axis=1)
        chances = posterior(scores, able, len(self.items), temperature)
        level, _ = judge(self.items, self.ratios, scores, chances, self.known, world)
        ranked = np.argsort(-chances[:-1], kind="stable")
        place = min(int(np.flatnonzero(ranked == group)[0]) for group in self.intrusion.groups)
        return Outcome(float(chances[ranked[0]]), not absent and place == 0, not absent and place < 3, level)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The probability of the first candidate, whether it is right, whether the true one is among three, the level."""

    probability: float
    right: bool
    among_three: bool
    level: str


def by_report(world: Profiles) -> Iterator[Intrusion]:
    """Each report about each group, with what it says the group uses."""
    said: dict[tuple[int, int], set[str]] = {}
    for edge in world.edges:
        for report in edge.reports:
            said.setdefault((edge.group, report), set()).add(world.features[edge.feature])
    for (group, report), features in sorted(said.items()):
        if sum(feature[0] == "T" for feature in features) >= LEAST:
            yield Intrusion((group,), tuple(sorted(features)), frozenset({report}))


def alone(intrusions: Iterable[Intrusion], world: Profiles, alike: int = 3) -> Iterator[Intrusion]:
    """The same reports, with all others forgotten that may tell of the same intrusion: of the same group, with at
    least `alike` uses in common. What is left is what was known of a group before.
    """
    said: dict[tuple[int, int], set[int]] = {}
    for edge in world.edges:
        for report in edge.reports:
            said.setdefault((edge.group, report), set()).add(edge.feature)
    for one in intrusions:
        (group,), (report,) = one.groups, one.reports
        mine = said[group, report]
        near = {other for whose, other in said if whose == group and len(said[group, other] & mine) >= alike}
        yield Intrusion(one.groups, one.features, frozenset(near | {report}))


def by_campaign(world: Profiles) -> Iterator[Intrusion]:
    """Each campaign that is attributed, with what was used in it."""
    for campaign in world.table.campaigns:
        edges = [edge for edge in world.edges if edge.campaign == campaign.id]
        features = tuple(sorted({world.features[edge.feature] for edge in edges}))
        groups = tuple(sorted({edge.group for edge in edges}))
        if sum(feature[0] == "T" for feature in features) >= LEAST:
            reports = frozenset(report for edge in edges for report in edge.reports)
            yield Intrusion(groups, features, reports, campaign.id)


def unattributed(world: Profiles) -> Iterator[Intrusion]:
    """Campaigns of which ATT&CK does not say who it was."""
    for campaign in world.table.campaigns:
        used = {use.target for use in world.table.uses if use.source == campaign.id}
        features = tuple(sorted(used & world.place.keys()))
        if not campaign.groups and len(features) >= LEAST:
            yield Intrusion((), features)


def trials(
    intrusions: Iterable[Intrusion], world: Profiles, software: bool, few: int = 0, seed: int = 7
) -> list[Trial]:
    """Each intrusion weighed, with its malware or without, with all that was seen or `few` techniques of it."""
    chosen, made = np.random.default_rng(seed), []
    for one in intrusions:
        features = [f for f in one.features if software or f[0] == "T"]
        if few:
            if len(features) < few:
                continue
            features = sorted(chosen.choice(features, few, replace=False).tolist())
        known = world.matrix(one.reports, one.campaign)
        able = candidates(known)
        if one.groups and not any(able[group] for group in one.groups):
            continue  # what is left of the group is too little for a candidate
        items = countable(features, world)
        made.append(Trial(one, items, nats(items, known, world), known, able))
    return made


def error(outcomes: Sequence[Outcome], bins: int = 10) -> float:
    """Expected calibration error: how far probability and truth are apart, over equal bins (Naeini et al. 2015)."""
    said = np.array([one.probability for one in outcomes])
    right = np.array([one.right for one in outcomes], float)
    found = 0.0
    for number in range(bins):
        here = (said > number / bins) & (said <= (number + 1) / bins)
        if here.any():
            found += here.mean() * abs(said[here].mean() - right[here].mean())
    return float(found)


def perfect(outcomes: Sequence[Outcome], draws: int = 500, seed: int = 7) -> float:
    """The calibration error that a judge would show on so few cases whose every probability is exactly right."""
    dice = np.random.default_rng(seed)
    said = np.array([one.probability for one in outcomes])
    return float(
        np.mean(
            [
                error([Outcome(p, bool(hit), False, "") for p, hit in zip(said, row, strict=True)])
                for row in dice.random((draws, len(said))) < said
            ]
        )
    )


def both(made: Sequence[Trial], world: Profiles, temperature: float) -> tuple[list[Outcome], list[Outcome]]:
    """Outcomes with the true group among the candidates, and without it."""
    return (
        [one.outcome(world, temperature, absent=False) for one in made],
        [one.outcome(world, temperature, absent=True) for one in made],
    )


def calibrated(made: Sequence[Trial], world: Profiles) -> tuple[list[Outcome], list[Outcome], list[float]]:
    """Outcomes at temperatures chosen on other groups, and those temperatures."""
    present: list[Outcome] = []
    absent: list[Outcome] = []
    chosen = []
    outcomes = {t: both(made, world, t) for t in TEMPERATURES}
    fold = np.array([one.intrusion.groups[0] % FOLDS for one in made])
    for number in range(FOLDS):
        train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        worst = {t: _errors([_of(a, train) for a in outcomes[t]]) for t in TEMPERATURES}
        best = min(TEMPERATURES, key=lambda t: worst[t])
        chosen.append(best)
        present += _of(outcomes[best][0], test)
        absent += _of(outcomes[best][1], test)
    return present, absent, chosen


def _of(outcomes: Sequence[Outcome], places: np.ndarray) -> list[Outcome]:
    return [outcomes[place] for place in places.tolist()]


def _errors(pair: Sequence[list[Outcome]]) -> float:
    present, absent = pair
    return max(error(present), error(present + absent))


def figures(name: str, made: Sequence[Trial], world: Profiles, kind: bool = False) -> Iterator[Figure]:
    """What was measured over one set of trials. A set that is `kind` (others told of the same intrusions) has no bar for what is
    said with the true group among the candidates: there the method is to doubt more than that set would need.
    """
    fixed = both(made, world, TEMPERATURE)
    if len(made) >= 100:  # below, no temperature can be chosen on other groups
        present, absent, chosen = calibrated(made, world)
        yield at_most(f"{name}: calibration error by group", error(present), 0.10)
        yield at_most(f"{name}: calibration error by group, half without it", error(present + absent), 0.10)
        yield told(f"{name}: mean temperature chosen", float(np.mean(chosen)))
    yield told(f"{name}: cases", len(made))
    yield told(f"{name}: first is right", _share(one.right for one in fixed[0]))
    yield told(f"{name}: right among three", _share(one.among_three for one in fixed[0]))
    yield (_without if kind else at_most)(f"{name}: calibration error as shipped", error(fixed[0]), 0.10)
    yield at_most(
        f"{name}: calibration error as shipped, half without the group", error(fixed[0] + fixed[1]), 0.10
    )
    yield told(f"{name}: the same of a perfect judge, for so few cases", perfect(fixed[0] + fixed[1]))
    yield at_most(
        f"{name}: group removed, named at moderate", _share(one.level == "moderate" for one in fixed[1]), 0.05
    )
    yield told(f"{name}: group removed, named at all", _share(one.level != "none" for one in fixed[1]))
    yield told(f"{name}: named at all", _share(one.level != "none" for one in fixed[0]))
    for level in ("low", "moderate"):
        named = [one for one in fixed[0] if one.level == level]
        yield told(f"{name}: named at {level}", len(named))
        yield told(f"{name}: right of those at {level}", _share(one.right for one in named))


def _without(name: str, value: float, _bar: float) -> Figure:
    return told(name, value)


def _share(flags: Iterable[bool]) -> float:
    listed = list(flags)
    return sum(listed) / len(listed) if listed else 0.0


def measured(world: Profiles) -> Iterator[Figure]:
    """All figures over ATT&CK."""
    reports, campaigns = list(by_report(world)), list(by_campaign(world))
    lonely = list(alone(reports, world))
    yield from figures("reports, with malware", trials(reports, world, True), world, kind=True)
    yield from figures("reports, techniques only", trials(reports, world, False), world, kind=True)
    yield from figures("reports alone, with malware", trials(lonely, world, True), world)
    yield from figures("reports alone, techniques only", trials(lonely, world, False), world)
    for few in (5, 10, 20):
        made = trials(reports, world, False, few)
        present, absent = both(made, world, TEMPERATURE)
        yield told(f"{few} techniques: cases", len(present))
        yield told(f"{few} techniques: first is right", _share(one.right for one in present))
        yield told(f"{few} techniques: right among three", _share(one.among_three for one in present))
        yield told(f"{few} techniques: calibration error, half without the group", error(present + absent))
    yield from figures("campaigns, with malware", trials(campaigns, world, True), world)
    yield from figures("campaigns, techniques only", trials(campaigns, world, False), world)
    yield from _nobody(world)


def _nobody(world: Profiles) -> Iterator[Figure]:
    levels = []
    for trial in trials(unattributed(world), world, True):
        scores = trial.ratios.sum(axis=1)
        chances = posterior(scores, trial.able, len(trial.items))
        levels.append(judge(trial.items, trial.ratios, scores, chances, trial.known, world)[0])
    yield told("campaigns of nobody: cases", len(levels))
    yield told("campaigns of nobody: named at low", _share(level == "low" for level in levels))
    yield told("campaigns of nobody: named at moderate", _share(level == "moderate" for level in levels))


def emulated(data: Path) -> Iterator[Figure]:
    """Who is named on what was only played: nobody may be named above low."""
    for name in ("otrf", "evtx-attack-samples"):
        levels = [one.confidence for one in assessments(data / name)]
        if levels:
            yield told(f"{name}: assessments", len(levels))
            yield told(f"{name}: named at low", sum(level == "low" for level in levels))
            yield at_most(
                f"{name}: named above low", sum(level not in ("none", "low") for level in levels), 0
            )


def main() -> int:
    """Measure, print, and keep what `kazami attribute` says of its own precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--keep", type=Path, help="also write the precision at each level here")
    asked = parser.parse_args()
    found = list(measured(profiles(shipped())))
    if asked.keep:
        asked.keep.write_text(json.dumps(kept(found), indent=1) + "\n", "utf-8")
    return publish([*found, *emulated(asked.data)])


def kept(found: Sequence[Figure]) -> dict[str, object]:
    """What a person is told about the method: cases and precision at each level, over reports and campaigns."""
    values = {figure.name: figure.value for figure in found}
    sets = {"reports": "reports alone, with malware", "campaigns": "campaigns, with malware"}
    return {
        "method": METHOD,
        "attack": shipped().version,
        **{
            key: {
                "cases": int(values[f"{name}: cases"]),
                "first_right": values[f"{name}: first is right"],
                "calibration_error": max(
                    values[f"{name}: calibration error as shipped"],
                    values[f"{name}: calibration error as shipped, half without the group"],
                ),
                **{
                    level: {
                        "named": int(values[f"{name}: named at {level}"]),
                        "right": values[f"{name}: right of those at {level}"],
                    }
                    for level in ("low", "moderate")
                },
            }
            for key, name in sets.items()
        },
    }


if __name__ == "__main__":
    raise SystemExit(main())
