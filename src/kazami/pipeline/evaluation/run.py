"""Samples in a folder and their labels in; what each layer is worth on them out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kazami import __version__
from kazami.detect.rarity.memory import Memory
from kazami.model.content import Inspection
from kazami.pipeline.evaluation import layers as layering
from kazami.pipeline.evaluation import measure
from kazami.pipeline.evaluation.labels import NAMED, Label, Labels
from kazami.pipeline.evaluation.measure import Judged
from kazami.pipeline.inspect import Submission, Wish, inspect, rules
from kazami.pipeline.rarity import marked
from kazami.sources import walk

#: The name of all layers together.
ALL = "all"
#: Misses and false alarms that are listed, proofs of each.
LISTED, PROOFS = 500, 5


@dataclass(slots=True)
class _Run:
    labels: Labels
    known: Memory
    folder: Path
    judged: list[Judged] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    unlabeled: int = 0
    asked: set[str] = field(default_factory=set)


def evaluate(folder: Path, labels: Labels, wish: Wish, *, workers: int = 1, known: Memory | None = None) -> dict[str, Any]:  # fmt: skip
    """Look into all files of `folder` and hold what is said against `labels`; `known` is what a tenant had, for the layer learned.

    The answer is JSON: ``layers`` (added up), ``without`` (all but one), ``types``, ``families``, ``confusion``, ``speed``, ``incomplete``,
    ``misses``, ``false_alarms``, and what could not be used: ``faults``, ``unread``, ``unlabeled``.
    """
    files, rejects = walk.list_files([folder], tenant="")
    state = _Run(labels, known or Memory(), folder)
    state.unread = [f"{row['name']}: {row['reason']}" for row in rejects if row["count"]]
    begun = time.monotonic()
    wanted = list(_submissions(state, [Path(file.path) for file in files]))
    for one in inspect(wanted, wish, workers=workers):
        _take(state, one)
    return _told(state, wish, time.monotonic() - begun)


def _submissions(state: _Run, paths: Sequence[Path]) -> Iterator[Submission]:
    """What a path labels; where there are labels by hash, everything, for only reading tells."""
    for path in paths:
        if state.labels.by_hash or state.labels.of(_below(state, path), ()):
            yield Submission(str(path), path, size=path.stat().st_size)
        else:
            state.unlabeled += 1


def _below(state: _Run, path: Path) -> str:
    return path.relative_to(state.folder).as_posix()


def _take(state: _Run, one: Inspection) -> None:
    name = _below(state, Path(one.name))
    root = one.looked[0] if one.looked else None
    hashes = (one.sha256, root.sha1, root.md5) if root else (one.sha256,)
    label = state.labels.of(name, hashes)
    if one.error:
        state.unread.append(f"{name}: {one.error}")
    elif label is None:
        state.unlabeled += 1
    else:
        state.asked |= {name, *hashes}
        state.judged.append(_judged(marked(one, state.known), name, label))


def _judged(one: Inspection, name: str, label: Label) -> Judged:
    said = {ALL: (one.verdict.word, one.verdict.score)}
    for prefix, sets in (("+", layering.sums()), ("-", layering.without())):
        for layer, kept in sets:
            verdict = layering.judged(one, kept)
            said[prefix + layer] = (verdict.word, verdict.score)
    proofs = [f"{p.level}: {p.title}{f': {p.value[:120]}' if p.value else ''} [{p.rule}]" for p in one.verdict.proofs if p.counts]  # fmt: skip
    proofs += [f"not looked at: {gap.reason}" for gap in one.verdict.gaps]
    return Judged(
        name, one.sha256, one.kind, one.size, label.malicious, label.family, said, one.seconds,
        bool(one.verdict.gaps), tuple(proofs[:PROOFS]),
    )  # fmt: skip


def _told(state: _Run, wish: Wish, seconds: float) -> dict[str, Any]:
    samples = state.judged
    kinds = Counter(one.kind for one in samples)
    lost = [name for name in (*state.labels.by_path, *state.labels.by_hash) if name not in state.asked]
    wrong = [one for one in samples if one.malicious != measure.found(one, ALL)]
    return {
        "version": __version__,
        "rules": rules(wish),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "samples": {"malicious": sum(one.malicious for one in samples), "benign": sum(not one.malicious for one in samples)},
        "layers": {name: measure.rates(samples, f"+{name}") for name, _ in layering.sums()},
        "without": {name: measure.rates(samples, f"-{name}") for name, _ in layering.without()},
        "types": {kind: {"samples": number, **measure.rates([one for one in samples if one.kind == kind], ALL)} for kind, number in kinds.most_common()},
        "families": measure.grouped(samples, ALL),
        "confusion": measure.confusion(samples, ALL),
        "incomplete": measure.Rate(sum(one.incomplete for one in samples), len(samples)).row(),
        "speed": measure.speed(samples, seconds),
        "misses": [_listed(one) for one in wrong if one.malicious][:LISTED],
        "false_alarms": [_listed(one) for one in wrong if not one.malicious][:LISTED],
        "faults": [*state.labels.faults, *(f"{name}: is labeled, and not among the samples" for name in lost[:NAMED])],
        "faulty": state.labels.bad + len(lost),
        "unread": state.unread,
        "unlabeled": state.unlabeled,
    }  # fmt: skip


def _listed(one: Judged) -> dict[str, Any]:
    word, score = one.said[ALL]
    return {"name": one.name, "sha256": one.sha256, "kind": one.kind, "family": one.family, "verdict": word, "score": score, "proofs": list(one.proofs)}  # fmt: skip
