"""A baseline of a folder of 100,000 files and what changed in it: ``python -m benchmarks.changes [--files N]``.

Processor time of this process; files are made in a temporary folder, a kilobyte each, a few of them places that matter. 100 files are then
altered, 100 added and 100 taken away: all have to be told, and nothing else.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figure, at_least, publish, told
from kazami.detect.change.compare import compare
from kazami.detect.change.rank import ranked
from kazami.pipeline.baseline import Kept
from kazami.respond.notify.sign import Signer
from kazami.sources.folder.listing import read

_PLACES = (
    "usr/lib/a",
    "var/www/html",
    "home/u",
    "etc",
    "Windows/System32",
    "opt/program/data",
    "srv/files",
    "usr/bin",
)
_CHANGED = 100


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    with tempfile.TemporaryDirectory() as place:
        return publish(_figures(Path(place), parser.parse_args().files))


def _figures(place: Path, files: int) -> list[Figure]:
    top = place / "host"
    paths = _made(top, files)
    kept = Kept(place / "store", "t", Signer(place / "key"))
    clock = time.process_time
    begun = clock()
    first = read(top, tenant="t", host="h")
    took_read = clock() - begun
    begun = clock()
    header = kept.add(first, "benchmark")
    took_kept = clock() - begun
    size = (kept.own / f"{header.uid}.items").stat().st_size
    _change(top, paths)
    begun = clock()
    now = read(top, tenant="t", host="h", made=datetime.now(UTC))
    before = kept.items(header)
    begun = clock()
    changes = [
        one for one in ranked(compare(before, now.items, whole=True)) if one.item.facts["type"] == "file"
    ]
    took_compared = clock() - begun
    found = {what: sum(one.what == what for one in changes) for what in ("new", "altered", "removed")}
    right = sum(min(number, _CHANGED) for number in found.values()) == 3 * _CHANGED == len(changes)
    return [
        told("entries", len(first.items)),
        told("read and hashed, s of processor time", took_read),
        at_least("read and hashed, files a second", files / took_read, 5_000),
        told("kept and signed, s of processor time", took_kept),
        told("kept, bytes a file", size / files),
        told("held against it and ranked, s of processor time", took_compared),
        at_least("all 300 changes told and nothing else", float(right), 1),
        told("memory, MB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    ]


def _made(top: Path, files: int) -> list[Path]:
    made = []
    for number in range(files):
        folder = top / _PLACES[number % len(_PLACES)] / f"d{number // 400}"
        path = folder / f"file{number}.txt"
        try:
            path.write_bytes(b"%d " % number * 150)
        except FileNotFoundError:
            folder.mkdir(parents=True)
            path.write_bytes(b"%d " % number * 150)
        made.append(path)
    return made


def _change(top: Path, paths: list[Path]) -> None:
    for number, path in enumerate(paths[: 2 * _CHANGED]):
        if number % 2:
            path.write_text(f"changed {number}")
        else:
            path.unlink()
    for number in range(_CHANGED):
        (top / "usr" / "bin" / f"new{number}").write_text("new")


if __name__ == "__main__":
    sys.exit(main())
