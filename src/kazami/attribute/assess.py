"""The assessment: who, how likely, how sure, why, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from kazami.attribute import level
from kazami.attribute.evidence import Evidence
from kazami.attribute.likelihood import candidates, countable, nats, posterior, shared
from kazami.attribute.profile import Matrix, Profiles

#: Named with a new value whenever the method changes, so that what was measured belongs to what is used.
METHOD = "2"

#: Candidates named, and items for and against each.
TOP, ITEMS = 3, 3


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of evidence for a candidate: `nats` of log likelihood ratio, `groups` that are reported to use it,
    the `reports` that say so of this candidate, the `rules` that showed it here (none where it is missing)."""

    id: str
    name: str
    nats: float
    groups: int
    reports: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A candidate. `against` holds what contradicts it (seen here, reported of others only) and what is missing (its
    rarest habits, not seen here), in this order."""

    group: str
    name: str
    probability: float
    word: str
    strongest: tuple[Item, ...]
    contradicting: tuple[Item, ...]
    missing: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What can be said about who it was. `confidence` belongs to the first hypothesis; ``none`` names nobody.

    `counted` are the features that were weighed, `ignored` those that were seen and say nothing.
    """

    confidence: str
    none_known: float
    none_known_word: str
    hypotheses: tuple[Hypothesis, ...]
    counted: tuple[str, ...]
    ignored: tuple[str, ...]
    findings: int = 0
    rules: int = 0
    log_sources: tuple[str, ...] = ()
    attack: str = ""
    method: str = METHOD
    why: tuple[str, ...] = field(default=())

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def assess(evidence: Evidence, profiles: Profiles, known: Matrix | None = None) -> Assessment:
    """Weigh `evidence` against all groups of `profiles` (as `known` has them, by default wholly) and nobody."""
    known = profiles.matrix() if known is None else known
    items = countable(list(evidence.features), profiles)
    ratios = nats(items, known, profiles)
    scores, able = ratios.sum(axis=1), candidates(known)
    chances = posterior(scores, able, len(items))
    order = np.argsort(-chances[:-1], kind="stable")[:TOP]
    verdict, why = judge(items, ratios, scores, chances, known, profiles)
    named = [_hypothesis(int(g), items, ratios, chances, known, profiles, evidence) for g in order if items]
    mute = [item for item in items if shared(item, known, profiles)]
    return Assessment(
        confidence=verdict,
        none_known=round(float(chances[-1]), 4),
        none_known_word=level.word(float(chances[-1])),
        hypotheses=tuple(named),
        counted=tuple(item for item in items if item not in mute),
        ignored=tuple([one for one in evidence.features if one not in items] + mute),
        findings=evidence.findings,
        rules=evidence.rules,
        log_sources=tuple(sorted(evidence.log_sources)),
        attack=profiles.table.version,
        why=why,
    )


def judge(
    items: Sequence[str], ratios: Matrix, scores: Matrix, chances: Matrix, known: Matrix, profiles: Profiles
) -> tuple[str, tuple[str, ...]]:
    """The confidence in the first candidate, and the keys of the reasons that hold it down."""
    if not items:
        return "none", ("nothing",)
    first, second = np.argsort(-chances[:-1], kind="stable")[:2]
    own = contradicting = 0
    for number, item in enumerate(items):
        if item[0] == "S" and not shared(item, known, profiles):
            own += bool(ratios[first, number] > 0)
            contradicting += not ratios[first, number] > 0
    techniques = sum(item[0] == "T" for item in items)
    probability, lead = float(chances[first]), float(scores[first] - scores[second])
    why = [
        *(["improbable"] if probability < level.NAMED else []),
        *(["close"] if lead < level.LEAD else []),
        *(["few"] if techniques < level.TECHNIQUES and not own else []),
        *(["techniques_only"] if not own else []),
        *(["other_malware"] if contradicting else []),
    ]
    return level.confidence(probability, lead, techniques, own, contradicting), tuple(why)


def _hypothesis(
    group: int,
    items: Sequence[str],
    ratios: Matrix,
    chances: Matrix,
    known: Matrix,
    profiles: Profiles,
    evidence: Evidence,
) -> Hypothesis:
    def item(feature: str, weight: float) -> Item:
        column = profiles.place[feature]
        table = profiles.table
        piece = table.piece.get(feature)
        return Item(
            feature,
            piece.name if piece else table.name(feature),
            round(weight, 2),
            int(known[:, column].sum()),
            profiles.sources.get((group, column), ()),
            tuple(evidence.features.get(feature, ())[:ITEMS]),
        )

    weights = sorted(zip(items, ratios[group].tolist(), strict=True), key=lambda pair: -pair[1])
    chance = float(chances[group])
    table = profiles.table
    return Hypothesis(
        group=profiles.groups[group],
        name=table.group[profiles.groups[group]].name,
        probability=round(chance, 4),
        word=level.word(chance),
        strongest=tuple(item(f, w) for f, w in weights[:ITEMS] if w > 0),
        contradicting=tuple(item(f, w) for f, w in reversed(weights[-ITEMS:]) if w < 0),
        missing=tuple(item(f, w) for f, w in _missing(group, items, known, profiles)),
    )


def _missing(group: int, items: Sequence[str], known: Matrix, profiles: Profiles) -> list[tuple[str, float]]:
    """The habits of a group that would have said most, and were not seen: rare, and reported more than once."""
    seen = {part for item in items for part in (item, item.partition(".")[0])}
    mine = [profiles.features[column] for column in np.flatnonzero(known[group])]
    absent = [f for f in mine if f not in seen and not shared(f, known, profiles)]
    if not absent:
        return []
    weights = nats(absent, known, profiles)[group].tolist()
    reported = [len(profiles.sources.get((group, profiles.place[f]), ())) for f in absent]
    ranked = sorted(
        zip(absent, weights, reported, strict=True), key=lambda one: (-min(one[2], 2), -one[1], one[0])
    )
    return [(feature, weight) for feature, weight, _ in ranked[:ITEMS]]
