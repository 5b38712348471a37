"""Scripts: how much of what hides comes out, how many honest scripts are accused, how fast, how often time runs out.

Hidden scripts are made by ``tests/script_writer.py``, a technique a function, several of each by chance; what comes out is held against what went in. They show
techniques, not current attacks. Honest scripts are those of the packages of this machine: of Python, Node and the system.
"""

from __future__ import annotations

import hashlib
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, at_least, at_most, told
from kazami.detect.content.recursion import look
from kazami.detect.content.verdict import judge
from kazami.model.content import Artifact, Gap, Looked, Scope, Verdict
from kazami.pipeline.inspect import analyzers, meanings

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from script_writer import PAYLOADS, TECHNIQUES

_EACH = 5  # scripts of a technique
_MOST = 150  # honest scripts of a kind
_LARGEST = 1 << 20
_ENDINGS = {
    "ps1": "ps1",
    "psm1": "ps1",
    "bat": "bat",
    "cmd": "bat",
    "vbs": "vbs",
    "js": "js",
    "sh": "sh",
    "bas": "vba",
    "wsf": "wsf",
    "hta": "hta",
}
_ROOTS = (sys.prefix, sys.base_prefix, "/usr/lib", "/usr/share", "/usr/local")


def figures(places: Any) -> list[Figure]:
    """What is solved by language, what is claimed of honest scripts, speed, time-outs."""
    return [*_hidden(), *_honest()]


def _hidden() -> Iterator[Figure]:
    total: list[bool] = []
    for language, techniques in TECHNIQUES.items():
        solved = [_solved(language, name, seed) for name in techniques for seed in range(_EACH)]
        total += solved
        yield told(f"scripts, {language}: techniques", len(techniques))
        yield at_least(f"scripts, {language}: hidden text comes out", sum(solved) / len(solved), 0.95)
    yield at_least("scripts, all: hidden text comes out", sum(total) / len(total), 0.95)


def _solved(language: str, technique: str, seed: int) -> bool:
    chance = random.Random(seed)
    text = PAYLOADS[language].format(mark=f"mark{chance.randrange(10**8)}")
    script = TECHNIQUES[language][technique](text, chance).encode("latin-1")
    found: list[bytes] = []
    for _ in look(
        Artifact(script, (f"a.{language}",)), analyzers(), Scope(), keep=lambda one: found.append(one.data)
    ):
        pass
    out = any(text.encode() in data for data in found[1:])
    if not out:
        print(f"not solved: {language} {technique} {seed}", file=sys.stderr)
    return out


def honest() -> dict[str, list[Path]]:
    """Scripts of packages, each content once, by kind."""
    found: dict[str, dict[str, Path]] = {}
    for root in dict.fromkeys(_ROOTS):
        for folder, _, names in os.walk(root):
            for name in names:
                kind = _ENDINGS.get(name.rpartition(".")[2].lower())
                path = Path(folder, name)
                if kind and path.is_file() and 0 < path.stat().st_size <= _LARGEST:
                    found.setdefault(kind, {}).setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    draw = random.Random(1)
    out = {}
    for kind, by_hash in sorted(found.items()):
        paths = [by_hash[key] for key in sorted(by_hash)]
        out[kind] = paths if len(paths) <= _MOST else draw.sample(paths, _MOST)
    return out


def _honest() -> Iterator[Figure]:
    every: Counter[str] = Counter()
    late = 0
    for kind, paths in honest().items():
        seconds, size = 0.0, 0
        for path in paths:
            before = _processor()
            verdict = _verdict(path)
            seconds += _processor() - before
            size += path.stat().st_size
            every[verdict.word] += 1
            late += any(gap.kind == "time" for gap in verdict.gaps)
            _name(path, verdict)
        yield told(f"scripts, {kind}: honest ones", len(paths))
        yield told(f"scripts, {kind}: KB a second of a core", size / 1000 / max(seconds, 1e-9))
    if every:
        yield told("scripts, honest ones", every.total())
        yield at_most(
            "scripts, honest ones called suspicious or malicious", every["suspicious"] + every["malicious"], 0
        )
        yield at_most(
            "scripts, honest ones that are incomplete, share", every["incomplete"] / every.total(), 0.05
        )
        yield told("scripts, honest ones that time ran out on", late)


def _name(path: Path, verdict: Verdict) -> None:
    if verdict.word in ("suspicious", "malicious", "incomplete"):
        why = next((f"{proof.name}: {proof.value}" for proof in verdict.proofs if proof.counts), "")
        gap = verdict.gaps[0].reason if verdict.gaps else ""
        print(f"{verdict.word}: {path} {why[:120]} {gap[:80]}", file=sys.stderr)


def _verdict(path: Path) -> Verdict:
    told = list(look(Artifact(path.read_bytes(), (path.name,)), analyzers(), Scope()))
    gaps = [one for one in told if isinstance(one, Gap)]
    return judge([one for one in told if isinstance(one, Looked)], meanings(), gaps)


def _processor() -> float:
    """Seconds of processor time, with those of confined processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime
