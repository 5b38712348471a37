"""Programs and scripts that are run to see what they do: our own are all recognized, benign ones come to their end and nothing is said of them.

Benign programs are those that installed packages bring (pip's launchers), and all in ``--programs DIR``, up to some hundred.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, at_least, at_most, told

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import emulation_vectors as vectors
from kazami.detect.content.emulation import behavior, judgment, linux, windows
from kazami.detect.content.emulation.record import Record
from kazami.engine.jail import proof

_SECONDS = 20.0
_MOST = 100
_PROGRAMS = (".exe", ".dll", ".pyd")
#: What is said of anything that does anything.
_SAID = {"behavior.contacts"}


def figures(places: Any) -> list[Figure]:
    """Shares of what was recognized and what came to its end, processor time a file."""
    found = []
    if find_spec("speakeasy"):
        found += _ours() + _benign(_programs(places.programs))
    else:
        print("speakeasy-emulator is not installed", file=sys.stderr)
    if why := proof.reason():
        print(f"scripts: no cage: {why}", file=sys.stderr)
    else:
        found += _scripts()
    return found


def _seen(record: Record) -> set[str]:
    return {one.name for one in behavior.features(record)}


def _ours() -> list[Figure]:
    missed, wrong, unbounded = [], [], []
    for name, (_, wanted) in vectors.BEHAVIOR.items():
        for bits in (32, 64):
            if not wanted <= _seen(windows.run(vectors.sample(name, bits), "sample.exe", _SECONDS)):
                missed.append(f"{name}, {bits} bits")
    for name in vectors.HONEST:
        if _seen(windows.run(vectors.sample(name), "sample.exe", _SECONDS)) - _SAID:
            wrong.append(name)
    for name, (data, reason) in vectors.HOSTILE.items():
        before = time.monotonic()
        record = windows.run(data, "sample.exe", 3.0)
        if reason not in record.ended or time.monotonic() - before > 10.0:
            unbounded.append(f"{name}: {record.ended}")
    for what in (missed, wrong, unbounded):
        print("\n".join(what), end="\n" if what else "", file=sys.stderr)
    total = 2 * len(vectors.BEHAVIOR)
    return [
        at_least("own programs recognized, %", 100 * (total - len(missed)) / total, 100),
        at_most("honest look-alikes of ours that something is said of", len(wrong), 0),
        at_most("hostile ones of ours without their end", len(unbounded), 0),
    ]


def _programs(folder: Path | None) -> list[Path]:
    """Launchers beside the installed packages, and what lies in `folder`."""
    places = [Path(p) for p in sys.path if p.endswith("site-packages")]
    found = [file for place in places for file in sorted(place.rglob("*.exe"))]
    if folder:
        found += sorted(file for file in folder.rglob("*") if file.suffix.lower() in _PROGRAMS)
    return found[:_MOST]


def _benign(programs: list[Path]) -> list[Figure]:
    if not programs:
        return []
    rules = judgment.rules({})
    ended: Counter[str] = Counter()
    said, seconds, own, foreign = 0, [], 0, 0
    for path in programs:
        before = time.process_time()
        record = windows.run(path.read_bytes(), path.name, _SECONDS)
        seconds.append(time.process_time() - before)
        own += not record.ended
        foreign += record.ended.startswith("programs for machine")
        ended[record.ended.partition(" at 0x")[0] or "by itself"] += 1
        strong = [
            one
            for one in (*behavior.features(record), *judgment.features(record, rules))
            if one.name not in _SAID
        ]
        said += bool(strong)
        if strong:
            print(
                f"{path.name}: {', '.join(f'{one.name} ({one.title or one.value})' for one in strong)}",
                file=sys.stderr,
            )
    for why, count in ended.most_common():
        print(f"{count:>4}  {why}", file=sys.stderr)
    seconds.sort()
    return [
        told("benign programs", len(programs)),
        told("of them for processors that are not emulated", foreign),
        told("of the others came to their end, %", 100 * own / max(len(programs) - foreign, 1)),
        at_most("benign programs that something is said of", said, 0),
        told("processor seconds a program, median", seconds[len(seconds) // 2]),
        told("processor seconds a program, most", seconds[-1]),
    ]


def _scripts() -> list[Figure]:
    wrong, seconds = [], []
    for name, (body, wanted, reason) in vectors.SCRIPTS.items():
        before = time.monotonic()
        record = linux.run(body.encode(), name, 2.0 if reason == "out of time" else _SECONDS)
        seconds.append(time.monotonic() - before)
        seen = _seen(record)
        if not wanted <= seen or bool(seen) != bool(wanted) or reason not in record.ended:
            wrong.append(f"{name}: {sorted(seen)} {record.ended}")
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return [
        at_most("own scripts that are not as they should be", len(wrong), 0),
        told("seconds a script, median", sorted(seconds)[len(seconds) // 2]),
    ]
