"""Runs targets over mutated seeds; what breaks one is written beside, to be run again by its path."""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from fuzz.mutate import Mutator
from fuzz.seeds import SEEDS
from fuzz.targets import TARGETS

#: Seconds after which one input is taken for one that never ends: all stacks are shown, and the run ends.
PATIENCE = 60


def inputs(name: str, number: int) -> Iterator[bytes]:
    """The seeds of a target as they are, then changed without end."""
    seeds = SEEDS.get(name) or [seed for several in SEEDS.values() for seed in several]
    yield from seeds
    mutator = Mutator(seeds, number)
    while True:
        yield mutator.next()


def run(name: str, seconds: float, number: int, folder: Path) -> tuple[int, list[Path]]:
    """Inputs tried, and the files of those that broke the target, one for each place where it broke."""
    target, broken, tried = TARGETS[name], dict[str, Path](), 0
    until = time.monotonic() + seconds
    for data in inputs(name, number):
        if time.monotonic() > until:
            break
        tried += 1
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        try:
            target(data)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            where = "".join(traceback.format_tb(error.__traceback__)[-2:])
            key = hashlib.sha256(f"{type(error).__name__}{where}".encode()).hexdigest()[:12]
            if key not in broken:
                broken[key] = folder / f"{name}-{key}.bin"
                broken[key].write_bytes(data)
                print(f"{name}: {type(error).__name__}: {error}\n{where}", file=sys.stderr)
        finally:
            faulthandler.cancel_dump_traceback_later()
    return tried, list(broken.values())


def main() -> int:
    """1 where a target broke."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument(
        "target", nargs="*", help=f"one of {', '.join(TARGETS)}; or the path of an input that broke one"
    )
    parser.add_argument("--seconds", type=float, default=10, help="for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--folder", type=Path, default=Path(), help="where inputs that break a target are written"
    )
    given = parser.parse_args()
    bad = 0
    for name in given.target or TARGETS:
        if name not in TARGETS:
            TARGETS[Path(name).name.rpartition("-")[0]](Path(name).read_bytes())
            continue
        tried, broken = run(name, given.seconds, given.seed, given.folder)
        print(f"{name:12} {tried:8,} inputs  {len(broken)} broken {' '.join(map(str, broken))}")
        bad += len(broken)
    return min(bad, 1)
