"""Speed of the fast lane, in one run over 300 or more mixed files: documents, mails, archives, scripts, programs, rules.

Processor time, because wall-clock time says more of who else uses the machine. The cache is off, everything else as in ``kazami inspect``.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, at_least, at_most, told
from kazami.detect.content.recursion import look
from kazami.detect.content.verdict import judge
from kazami.model.content import Artifact, Looked, Scope
from kazami.pipeline.inspect import Submission, Wish, analyzers, inspect, meanings

_FILES, _LARGEST = 400, 8 << 20
_ROOT = Path(__file__).resolve().parents[1]


def mixed(places: Any) -> list[Path]:
    """The same files for the same folders, at most `_FILES`."""
    kinds = [
        sorted((places.data / "content").rglob("*")),
        sorted((_ROOT / "tests" / "golden").rglob("*.in")),
        sorted((places.data / "yara").rglob("*.yar")),
        sorted(Path(sys.prefix).rglob("*.py"))[::37],
        sorted(Path(sys.prefix).rglob("*.so"))[::3],
        sorted(Path(sys.prefix).rglob("*.exe")),
        sorted(places.mails.glob("*/*.txt"))[::41] if places.mails else [],
        sorted(places.programs.rglob("*.dll")) if places.programs else [],
    ]
    draw = random.Random(1)
    found: list[Path] = []
    for paths in kinds:
        small = [path for path in paths if path.is_file() and 0 < path.stat().st_size <= _LARGEST]
        found += small if len(small) <= _FILES // 6 else draw.sample(small, _FILES // 6)
    return sorted(found)[:_FILES]


def figures(places: Any) -> list[Figure]:
    """Files and megabytes a second of one core, and the 95th percentile of one file."""
    files = mixed(places)
    if len(files) < 300:
        print(f"only {len(files)} files to measure speed with", file=sys.stderr)
    took = sorted(_took(path) for path in files)
    size = sum(path.stat().st_size for path in files)
    total = sum(took)
    slow = took[int(len(took) * 0.95)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = sum(1 for _ in inspect([Submission(str(p), p) for p in files], Wish()))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    caged = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return [
        told("speed, mixed files", done),
        at_least("speed, files a second of a core", len(files) / total, 50),
        told("speed, MB a second of a core", size / total / 1e6),
        at_most("speed, ms of a file, 95th percentile", slow * 1000, 80),
        told("speed, files a second of a core in a cage", done / caged if caged else 0.0),
    ]


def _took(path: Path) -> float:
    """Seconds of processor time for one file, with programs that are started for it."""
    before = time.process_time() + _children()
    root = Artifact(path.read_bytes(), (path.name,))
    judge([one for one in look(root, analyzers(), Scope()) if isinstance(one, Looked)], meanings())
    return time.process_time() + _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
