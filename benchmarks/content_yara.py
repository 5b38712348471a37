"""YARA: how fast rules go over benign files on two cores, and what they say of them.

Two processes scan half of the files each; the figure is bytes by the mean of their processor time, which others on the machine do not
lengthen. Rules are those of the packs alone, and with the public collection in ``DATA/yara`` where that is there.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, at_least, at_most, told
from kazami.detect.content import yara
from kazami.detect.content.yara import collection
from kazami.model.content import Limits, Scope

_LARGEST, _MOST = 16 << 20, 300 << 20  # bytes of one file and of all
_CORES = 2
_KINDS = (".so", ".dll", ".exe", ".pyd")


def benign(places: Any) -> list[Path]:
    """Programs and libraries of this system and of its Python, with benign Windows programs where they are named."""
    folders = [places.programs, Path(sys.prefix), Path("/usr/lib")]
    found: dict[Path, int] = {}
    for folder in [folder for folder in folders if folder]:
        for path in sorted(folder.rglob("*")):
            if (
                _is_program(path)
                and (size := path.stat().st_size) <= _LARGEST
                and sum(found.values()) + size <= _MOST
            ):
                found[path] = size
    return list(found)


def _is_program(path: Path) -> bool:
    named = path.suffix.lower() in _KINDS or ".so." in path.name
    return named and path.is_file() and not path.is_symlink() and path.stat().st_size > 0


def figures(places: Any) -> list[Figure]:
    """What is said of benign files, and how fast."""
    files = benign(places)
    size = sum(path.stat().st_size for path in files)
    given = [told("yara, benign programs", len(files)), told("yara, benign MB", size / 1e6)]
    for name, rules in _sets(places).items():
        started = time.process_time()
        loaded = yara.rule_set(rules)
        given += [
            told(f"yara, {name}, rules", sum(len(one.rules) for one in loaded.files.values())),
            at_most(f"yara, {name}, rules that do not load", len(loaded.rejected), 0),
            told(f"yara, {name}, seconds to compile", time.process_time() - started),
        ]
        with multiprocessing.get_context("fork").Pool(_CORES) as pool:
            done = pool.map(
                partial(_over, rules=rules), [files[n::_CORES] for n in range(_CORES)], chunksize=1
            )
        seconds = sum(spent for spent, _ in done) / _CORES
        hits = sorted(hit for _, found in done for hit in found)
        for hit in hits[:20]:
            print(hit, file=sys.stderr)
        given += [
            at_least(f"yara, {name}, MB a second on {_CORES} cores", size / 1e6 / seconds, 130),
            _false(
                f"yara, {name}, benign programs with a match", len(hits), ours=rules["yara.rules"] == _own()
            ),
        ]
    return given


def _false(name: str, count: int, *, ours: bool) -> Figure:
    """Ours are held to none; what others' rules say is told."""
    return at_most(name, count, 0) if ours else told(name, count)


def _own() -> tuple[str, ...]:
    return tuple(map(str, collection.shipped()))


def _sets(places: Any) -> dict[str, dict[str, tuple[str, ...]]]:
    own = _own()
    public = places.data / "yara"
    sets = {"our rules": {"yara.rules": own}}
    return {**sets, "with the public ones": {"yara.rules": (*own, str(public))}} if public.is_dir() else sets


def _over(files: Sequence[Path], rules: dict[str, tuple[str, ...]]) -> tuple[float, list[str]]:
    """Processor time of scanning, and what matched."""
    hits, spent = [], 0.0
    limits = Limits(seconds=60.0)  # a busy machine is no reason for a gap
    for path in files:
        data = path.read_bytes()
        scope = Scope(limits, name=path.name, folder=str(path.parent), settings=rules)
        started = time.process_time()
        said = yara.analyze(data, scope)
        spent += time.process_time() - started
        hits += [f"{path}: {feature.rule}: {feature.value}" for feature in said.features]
        hits += [f"{path}: {gap.reason}" for gap in said.gaps]
    return spent, hits
