"""Adds up what was seen: log-odds, one contribution a group, along one way from what was handed over to a leaf.

Evidence on one way belongs together: a mail that poses, its archive, the program inside. Siblings do not add up, or a backup
of a thousand honest files would be malicious. The verdict is that of the worst way. Log-odds of independent
observations add (Good, "Probability and the Weighing of Evidence", 1950); one a group, because features of one group are
not independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kazami.detect.content.combination import combinations
from kazami.model.content import WORDS, Feature, Gap, Looked, Meaning, Proof, Verdict, Word

#: Log-odds that a file which nothing is known of is malicious: 1 in 55.
PRIOR = -4.0

#: Log-odds that a feature of a level adds: one "high" makes suspicious, two of different groups malicious.
WEIGHTS: Mapping[str, float] = {
    "informational": 0.0,
    "low": 1.0,
    "medium": 2.5,
    "high": 4.5,
    "critical": 8.0,
}
FACTORS: Mapping[str, float] = {"low": 0.6, "medium": 1.0, "high": 1.1}

#: Groups that say nothing of the bytes themselves.
_AROUND = frozenset(("name", "lure", "sender", "reputation"))
_KNOWN = "Does not count: exactly these bytes are known good."

_SUSPICIOUS, _MALICIOUS = 0.5, 0.95
_SHOWN = 200  # proofs that a verdict names

#: What an unknown name means: an analyzer that does not say is heard, but counts nothing.
_UNKNOWN = Meaning("", "", "informational", "")


def judge(looked: Sequence[Looked], meanings: Mapping[str, Meaning], gaps: Iterable[Gap] = ()) -> Verdict:
    """The verdict over all artifacts of one submission; `gaps` are those of the submission as a whole."""
    missed = (*gaps, *_missed(looked))
    looked = folded(looked)
    own = [_acquitted([_proof(item, feature, meanings) for feature in item.features]) for item in looked]
    for item, proofs in zip(looked, own, strict=True):
        proofs += _combined(item, {p.name for p in proofs}, "artifact")
    best: tuple[float, Word, list[Proof]] = (-math.inf, "clean", [])
    for way in _ways(looked):
        proofs = [proof for at in way for proof in own[at]]
        proofs += _combined(looked[way[-1]], {p.name for p in proofs}, "chain")
        word, odds = _weigh(proofs)
        best = max(best, (odds, word, proofs), key=lambda b: (WORDS.index(b[1]), b[0]))
    odds, word, on_way = best
    if not looked:
        odds = PRIOR
    return _verdict(word, odds, on_way, [p for proofs in own for p in proofs], missed)


def folded(looked: Sequence[Looked]) -> list[Looked]:
    """What was looked at twice, with a password found later or by emulation, as one."""
    found: dict[tuple[str, str], Looked] = {}
    for item in looked:
        key = (item.sha256, item.place)
        if key in found:
            item = _joined(found[key], item)
        found[key] = item
    return list(found.values())


def _joined(first: Looked, second: Looked) -> Looked:
    return replace(
        first,
        analyzers=tuple(dict.fromkeys((*first.analyzers, *second.analyzers))),
        features=tuple(dict.fromkeys((*first.features, *second.features))),
        gaps=tuple(dict.fromkeys((*first.gaps, *second.gaps))),
    )


def _acquitted(proofs: list[Proof]) -> list[Proof]:
    """What counts of known good bytes: their name and how they came, but not what is in them, unless who made them is forged."""
    known = any(proof.name == "reputation.good" for proof in proofs)
    if not known or any(proof.group == "identity" and proof.weight >= WEIGHTS["high"] for proof in proofs):
        return proofs
    return [
        p if p.group in _AROUND else replace(p, level="informational", weight=0.0, reason=_KNOWN)
        for p in proofs
    ]


def _missed(looked: Sequence[Looked]) -> list[Gap]:
    """Gaps that stand: what was locked and then opened with a word found later is none."""
    last = {(item.sha256, name): at for at, item in enumerate(looked) for name in item.analyzers}
    return [
        gap
        for at, item in enumerate(looked)
        for gap in item.gaps
        if gap.kind != "password" or last.get((item.sha256, gap.analyzer), at) == at
    ]


def _verdict(
    word: Word, odds: float, on_way: list[Proof], every: list[Proof], gaps: tuple[Gap, ...]
) -> Verdict:
    if word in ("clean", "informational"):
        word = "incomplete" if gaps else "informational" if every else "clean"
    counted = {id(proof) for proof in _strongest(on_way).values()}
    proofs = [_counting(p, id(p) in counted) for p in dict.fromkeys((*on_way, *every))]
    proofs.sort(key=lambda p: (not p.counts, -p.weight))
    return Verdict(word, round(100 / (1 + math.exp(-odds))), tuple(proofs[:_SHOWN]), gaps)


def _counting(proof: Proof, counts: bool) -> Proof:
    return Proof(**{name: getattr(proof, name) for name in Proof.__slots__} | {"counts": counts})


def _ways(looked: Sequence[Looked]) -> Iterator[list[int]]:
    """Positions from the root to each leaf. A parent is the first artifact with its hash; it comes before its children."""
    first: dict[str, int] = {}
    for at, item in enumerate(looked):
        first.setdefault(item.sha256, at)
    above = [first[item.parent] if item.parent in first and item.depth else -1 for item in looked]
    inner = set(above)
    for leaf in range(len(looked)):
        if leaf in inner:
            continue
        way, at = [leaf], above[leaf]
        while at >= 0 and at < way[-1]:
            way.append(at)
            at = above[at]
        yield way[::-1]


def _proof(item: Looked, feature: Feature, meanings: Mapping[str, Meaning]) -> Proof:
    meaning = meanings.get(feature.name, _UNKNOWN)
    level = feature.level or meaning.level
    confidence = feature.confidence or meaning.confidence
    return Proof(
        name=feature.name,
        title=feature.title or meaning.title or feature.name,
        value=feature.value,
        place="!".join(filter(None, (item.place, feature.place))),
        sha256=item.sha256,
        offset=feature.offset,
        rule=feature.rule or feature.name,
        level=level,
        group=feature.group or meaning.group,
        confidence=confidence,
        techniques=feature.techniques or meaning.techniques,
        weight=weight(level, confidence),
        counts=False,
        reason=meaning.reason,
        author=feature.author,
        cap=meaning.cap,
        license=feature.license,
        references=feature.references or meaning.references,
    )


def _combined(item: Looked, names: set[str], within: str) -> list[Proof]:
    found = []
    for rule in combinations():
        if rule.within == within and rule.holds(names):
            name = rule.meaning.name
            found.append(_proof(item, Feature(name), {name: rule.meaning}))
    return found


def weight(level: str, confidence: str) -> float:
    """Log-odds of one feature."""
    return WEIGHTS.get(level, 0.0) * FACTORS.get(confidence, 1.0)


def _weigh(proofs: list[Proof]) -> tuple[Word, float]:
    """The word for proofs of one way, and its log-odds; for each word only what may lift to it counts."""
    odds = PRIOR
    for word in ("malicious", "suspicious"):
        strongest = _strongest([p for p in proofs if not p.cap or WORDS.index(word) <= _rank(p.cap)])
        odds = PRIOR + sum(p.weight for p in strongest.values())
        if _reaches(word, odds, strongest):
            return word, odds
    return ("informational" if proofs else "clean"), odds


def _rank(word: str) -> int:
    return [*WORDS].index(word) if word in WORDS else len(WORDS)


def _reaches(word: str, odds: float, strongest: Mapping[str, Proof]) -> bool:
    chance = 1 / (1 + math.exp(-odds))
    if word == "suspicious":
        return chance >= _SUSPICIOUS
    decides = any(p.level == "critical" and p.confidence != "low" for p in strongest.values())
    return decides or (chance >= _MALICIOUS and sum(p.weight > 0 for p in strongest.values()) > 1)


def _strongest(proofs: Iterable[Proof]) -> dict[str, Proof]:
    found: dict[str, Proof] = {}
    for proof in proofs:
        if proof.group not in found or proof.weight > found[proof.group].weight:
            found[proof.group] = proof
    return found
