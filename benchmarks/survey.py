"""What is asked of a case, measured: ``python -m benchmarks.survey [--data DIR] [--case DIR]``.

The case is made of the recordings of OTRF, 574,000 events, unless one is given. Each command runs as people run it, with the
start of the program; CPU seconds are of all its threads, so that they hold on a machine that others use as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, at_least, at_most, publish, told
from benchmarks.process import run
from kazami.store.case import Case

#: CPU seconds for half a million events: what a person waits for without turning away, on two processors.
PATIENCE = 20.0
LISTS = ("logons", "hosts", "eventids", "pivots", "base64")


def main() -> int:
    """Make the case, ask it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--case", type=Path, help="a case that is there")
    chosen = parser.parse_args()
    if chosen.case is not None:
        return publish(_measure(chosen.case))
    with tempfile.TemporaryDirectory(prefix="kazami-bench-") as folder:
        case = Path(folder) / "case"
        run([*_KAZAMI, "scan", str(chosen.data / "otrf"), "--case", str(case), "--no-report"], codes=(0, 3))
        return publish(_measure(case))


_KAZAMI = (sys.executable, "-m", "kazami")


def _measure(case: Path) -> list[Figure]:
    with Case.open(case, read_only=True) as opened:
        _, batches = opened.sql("select count(*) as n from event")
        events = sum(batch.column(0)[0].as_py() for batch in batches)
    figures = [at_least("events in the case", events, 500_000)]
    for words in (("hunt", "run"), ("coverage",), *(("list", what) for what in LISTS)):
        done = run([*_KAZAMI, *words, str(case)], codes=(0,))
        name = " ".join(words)
        figures.append(at_most(f"kazami {name}, CPU seconds", done.cpu, PATIENCE))
        figures.append(told(f"kazami {name}, wall seconds", done.wall))
        figures.append(told(f"kazami {name}, peak MB", done.peak))
        figures.append(told(f"kazami {name}, lines", len(done.out.splitlines())))
    return figures


if __name__ == "__main__":
    sys.exit(main())
