"""Figures from judged samples. Pure: rates with Wilson's intervals, rates at a given share of false alarms, grouped splits."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kazami.model.content import WORDS, Word
from kazami.model.proportion import wilson

#: From which word on a file counts as found.
FOUND = WORDS.index("suspicious")

#: Shares of false alarms at which the rate of what is found is told.
AT = (0.001, 0.01)

#: Folds of the grouped split.
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """A sample with its label, and word and score (0 to 100) by the name of a set of layers."""

    name: str
    sha256: str
    kind: str
    size: int
    malicious: bool
    family: str
    said: Mapping[str, tuple[Word, int]]
    seconds: float = 0.0
    incomplete: bool = False
    proofs: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `total`, with the bounds of 95 %."""

    hits: int
    total: int

    def row(self) -> dict[str, Any]:
        """As JSON says it; None where there is nothing to divide by."""
        low, high = wilson(self.hits, self.total)
        if not self.total:
            return {"hits": 0, "total": 0, "rate": None, "low": None, "high": None}
        return {"hits": self.hits, "total": self.total, "rate": round(self.hits / self.total, 5), "low": round(low, 5), "high": round(high, 5)}  # fmt: skip


def rates(samples: Sequence[Judged], layers: str) -> dict[str, Any]:
    """What is found of what is malicious and of what is not, with these layers; by word and by score."""
    bad = [one for one in samples if one.malicious]
    good = [one for one in samples if not one.malicious]
    told: dict[str, Any] = {
        "tpr": Rate(sum(found(one, layers) for one in bad), len(bad)).row(),
        "fpr": Rate(sum(found(one, layers) for one in good), len(good)).row(),
        "convicted": Rate(sum(one.said[layers][0] == "malicious" for one in bad), len(bad)).row(),
        "falsely_convicted": Rate(sum(one.said[layers][0] == "malicious" for one in good), len(good)).row(),
    }
    for share in AT:
        told[f"tpr_at_fpr_{share:g}"] = at_share(bad, good, layers, share)
    return told


def found(one: Judged, layers: str) -> bool:
    """Whether a file counts as found with these layers: suspicious or malicious."""
    return WORDS.index(one.said[layers][0]) >= FOUND


def threshold(good: Sequence[Judged], layers: str, share: float) -> int | None:
    """The least score that at most this share of benign files reach; None where there are too few of them to tell."""
    if len(good) * share < 1:
        return None
    scores = Counter(one.said[layers][1] for one in good)
    above = 0
    for score in range(101, -1, -1):
        above += scores[score]
        if above > len(good) * share:
            return score + 1
    return 0


def at_share(bad: Sequence[Judged], good: Sequence[Judged], layers: str, share: float) -> dict[str, Any]:
    """What is found at a given share of false alarms; says how many benign files that takes where there are too few."""
    score = threshold(good, layers, share)
    if score is None:
        return {"rate": None, "needs_benign": round(1 / share)}
    return {**Rate(sum(one.said[layers][1] >= score for one in bad), len(bad)).row(), "score": score}


def grouped(samples: Sequence[Judged], layers: str) -> dict[str, Any]:
    """The same by families: how each fares, and thresholds that were chosen without the family that is asked.

    Families go into folds by their names, benign files without one by their hashes. Of each fold the threshold is that of the benign files
    of the others.
    """
    families: dict[str, list[Judged]] = {}
    for one in samples:
        if one.malicious and one.family:
            families.setdefault(one.family, []).append(one)
    if not families:
        return {}
    by_family = {
        name: Rate(sum(found(one, layers) for one in listed), len(listed))
        for name, listed in families.items()
    }
    worst = sorted(
        by_family.items(), key=lambda pair: (pair[1].hits / pair[1].total, -pair[1].total, pair[0])
    )
    told: dict[str, Any] = {
        "families": len(families),
        "mean_tpr": round(statistics.fmean(rate.hits / rate.total for rate in by_family.values()), 5),
        "never_found": sorted(name for name, rate in by_family.items() if not rate.hits),
        "worst": [{"family": name, **rate.row()} for name, rate in worst[:20]],
    }
    for share in AT:
        told[f"held_out_at_fpr_{share:g}"] = _held_out(samples, layers, share)
    return told


def _held_out(samples: Sequence[Judged], layers: str, share: float) -> dict[str, Any]:
    folds = [_fold(one) for one in samples]
    counts = {True: [0, 0], False: [0, 0]}
    for fold in range(FOLDS):
        others = [one for one, at in zip(samples, folds, strict=True) if at != fold and not one.malicious]
        score = threshold(others, layers, share)
        if score is None:
            return {"tpr": None, "needs_benign": round(FOLDS / (FOLDS - 1) / share) + 1}
        for one, at in zip(samples, folds, strict=True):
            if at == fold and (one.family or not one.malicious):
                counts[one.malicious][0] += one.said[layers][1] >= score
                counts[one.malicious][1] += 1
    return {"tpr": Rate(*counts[True]).row(), "fpr": Rate(*counts[False]).row()}


def _fold(one: Judged) -> int:
    return (
        hashlib.sha256((one.family or one.sha256 or one.name).encode("utf-8", "surrogatepass")).digest()[0]
        % FOLDS
    )


def confusion(samples: Iterable[Judged], layers: str) -> dict[str, dict[str, int]]:
    """How many of each label got each word."""
    counts = {label: dict.fromkeys(map(str, WORDS), 0) for label in ("malicious", "benign")}
    for one in samples:
        counts["malicious" if one.malicious else "benign"][one.said[layers][0]] += 1
    return counts


def speed(samples: Sequence[Judged], seconds: float) -> dict[str, Any]:
    """Files and bytes a second of the whole run, and how long single files took."""
    took = sorted(one.seconds for one in samples)
    size = sum(one.size for one in samples)
    return {
        "files": len(samples),
        "bytes": size,
        "seconds": round(seconds, 3),
        "files_a_second": round(len(samples) / seconds, 2) if seconds else None,
        "mb_a_second": round(size / seconds / 1e6, 2) if seconds else None,
        "p50_ms": round(1000 * took[len(took) // 2], 1) if took else None,
        "p95_ms": round(1000 * took[min(int(len(took) * 0.95), len(took) - 1)], 1) if took else None,
    }
