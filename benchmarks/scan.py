"""The main job, measured: ``python -m benchmarks.scan [--data DIR] [--events N]``.

EVTX attack samples are repeated until there are N events; in each copy the computers' names are altered in place, to
others of the same length, so that its events are other events. All ratios are of this one run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson
from evtx import PyEvtxParser

from benchmarks.figures import Figure, at_least, at_most, publish, told
from benchmarks.process import Run, run
from kazami.store.case import Case

RESULT = Path(__file__).parent / "results" / "scan.json"
RULES = ("rules", "rules-emerging-threats", "rules-threat-hunting")
DECODE = """
import sys
from evtx import PyEvtxParser
events = 0
for path in open(sys.argv[1]).read().splitlines():
    records = iter(PyEvtxParser(path).records_json())
    while True:
        try:
            for record in records:
                events += 1
            break
        except RuntimeError:
            pass
print(events)
"""


def main() -> int:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each command; the median counts")
    parser.add_argument("--work", type=Path, help="where copies and cases go (default: a temporary folder)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.work, prefix="kazami-bench-") as folder:
        return publish(_measure(chosen.data, Path(folder), chosen.events, chosen.repeat), RESULT)


def _measure(data: Path, work: Path, events: int, repeat: int) -> list[Figure]:
    bench = _Bench(data, work, repeat)
    copies, total = bench.prepare(events)
    small, few = bench.prepare(events // 10, "tenth")
    decode = bench.decode(copies)
    bench.scan([bench.one_file()], workers=1)  # warms the cache of compiled rules
    two, one = bench.scan([copies], workers=2), bench.scan([copies], workers=1)
    tenth = bench.scan([small], workers=2)
    warm = bench.scan([bench.one_file()], workers=1)
    otrf = bench.scan([data / "otrf"], workers=2)
    return [
        told("events", total),
        at_least("distinct events in the case, of those altered", bench.events[two], 500_000),
        told("decode only, seconds", decode.wall),
        told("decode only, events/s", total / decode.wall),
        told("scan with 1 worker, events/s", total / one.wall),
        told("scan with 2 workers, events/s", total / two.wall),
        told("scan with 2 workers, seconds", two.wall),
        told("scan with 2 workers, CPU microseconds an event", two.cpu / total * 1e6),
        at_most("scan with 2 workers / decode only, wall", two.wall / decode.wall, 2.0),
        at_most("the same, the aim", two.wall / decode.wall, 1.5),
        at_most("peak memory with 2 workers, MB", two.peak, 800),
        at_most("peak memory, ten times the events / once", two.peak / tenth.peak, 1.1),
        at_most("warm start, one small file, seconds", warm.wall, 1.0),
        at_most("wall, ten times the events / once", two.wall / tenth.wall * (few * 10 / total), 10.5),
        at_least("times Zircolite on these files (621 events/s)", total / two.wall / 621, 1.0),
        at_least("times Hayabusa, all cores (12,800 events/s)", total / two.wall / 12_800, 1.0),
        at_least("times rsigma, one core, no decoding (66,000 events/s)", total / one.wall / 66_000, 1.0),
        told("otrf, events", bench.events[otrf]),
        told("otrf, events/s", bench.events[otrf] / otrf.wall),
    ]


class _Bench:
    def __init__(self, data: Path, work: Path, repeat: int) -> None:
        self._data, self._work, self._repeat, self._cases = data, work, repeat, 0
        self.events: dict[Run, int] = {}  # distinct events in the case of each scan

    def prepare(self, events: int, name: str = "copies") -> tuple[Path, int]:
        """A folder with at least `events` events, and how many there are."""
        folder = self._work / name
        originals = [_Original(path) for path in sorted((self._data / "evtx-attack-samples").rglob("*.evtx"))]
        each = sum(original.events for original in originals)
        copies = -(-events // each)
        for copy in range(copies):
            for number, original in enumerate(originals):
                target = folder / f"{copy:03d}" / f"{number:03d}.evtx"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(original.renamed(copy))
        return folder, copies * each

    def one_file(self) -> Path:
        """A small file."""
        return min((self._data / "evtx-attack-samples").rglob("*.evtx"), key=lambda path: path.stat().st_size)

    def decode(self, folder: Path) -> Run:
        """One process that decodes with the library and throws everything away."""
        names = self._work / "names.txt"
        names.write_text("\n".join(map(str, sorted(folder.rglob("*.evtx")))), "utf-8")
        return _median([run([sys.executable, "-c", DECODE, str(names)]) for _ in range(self._repeat)])

    def scan(self, evidence: list[Path], workers: int) -> Run:
        """The whole command, with a new case each time."""
        runs = []
        for _ in range(self._repeat):
            self._cases += 1
            case = self._work / f"case-{self._cases}"
            runs.append(run([*_command(self._data, evidence, workers, case)], codes=(0, 3)))
            self.events[runs[-1]] = _events(case)
            shutil.rmtree(case)
        return _median(runs)


def _command(data: Path, evidence: list[Path], workers: int, case: Path) -> Iterator[str]:
    yield from (sys.executable, "-m", "kazami", "scan", *map(str, evidence), "--case", str(case))
    for rules in RULES:
        yield from ("--rules", str(data / "sigma" / rules))
    yield from ("--workers", str(workers), "--format", "jsonl", "--output", os.devnull)


def _events(case: Path) -> int:
    with Case.open(case, read_only=True) as opened:
        _, batches = opened.sql("select count(*) as n from event")
        return int(next(iter(batches)).column(0)[0].as_py())


class _Original:
    """One file of the evidence, with the computers' names in it."""

    def __init__(self, path: Path) -> None:
        self._bytes = path.read_bytes()
        self.events, names = 0, set()
        records = iter(PyEvtxParser(str(path)).records_json())
        while True:
            try:
                for record in records:
                    self.events += 1
                    names.add(orjson.loads(record["data"])["Event"]["System"].get("Computer"))
                break
            except RuntimeError:
                continue
        self._names = sorted((name for name in names if name and len(name) > 1), key=len, reverse=True)

    def renamed(self, copy: int) -> bytes:
        """The file with the first two characters of every computer's name replaced by the number of the copy."""
        changed = self._bytes
        for name in self._names:
            other = chr(65 + copy // 26) + chr(65 + copy % 26) + name[2:]
            changed = changed.replace(name.encode("utf-16-le"), other.encode("utf-16-le"))
        return changed


def _median(runs: list[Run]) -> Run:
    middle = statistics.median_low([one.wall for one in runs])
    return next(one for one in runs if one.wall == middle)


if __name__ == "__main__":
    raise SystemExit(main())
