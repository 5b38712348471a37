"""Emulated intrusions as incidents: whole scans of sets of OTRF with SigmaHQ's rules and ours.

``python -m benchmarks.emulation [--data DIR] [--only NAME]``. Each set is a case of its own; of the campaigns against LSASS: how many incidents the set
becomes, and how many tactics the gravest one has in the order of the matrix. Sets of several hosts: the share whose hosts with findings
are in one incident.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, at_least, publish, told
from kazami.cli import run
from kazami.model.attack import TACTICS
from kazami.model.incident import Incident
from kazami.store.case import Case
from kazami.store.incidents import incidents


@dataclass(frozen=True, slots=True)
class Emulated:
    """What became of one set."""

    name: str
    incidents: int
    tactics: int
    hosts: int  # with findings in any incident
    together: int  # of them in the gravest incident


def emulated(path: Path, rules: Path, folder: Path) -> Emulated:
    """Scan one set into a case, and look at its incidents."""
    case = folder / path.stem
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run(["scan", str(path), "--case", str(case), "--rules", str(rules), "--no-report", "--workers", "2"])
    with Case.open(case, read_only=True) as opened:
        found = list(incidents(opened))
    hosts = {host for one in found for host in one.hosts}
    first = found[0] if found else None
    return Emulated(
        path.stem, len(found), in_order(first) if first else 0, len(hosts), len(first.hosts) if first else 0
    )


def in_order(one: Incident) -> int:
    """The length of the longest run of different tactics that follow each other as in the matrix."""
    best = dict.fromkeys(range(len(TACTICS)), 0)
    for step in one.steps:
        if step.tactic in TACTICS:
            place = TACTICS.index(step.tactic)
            best[place] = max(best[place], 1 + max((best[other] for other in range(place)), default=0))
    return max(best.values())


def figures(data: Path, only: str = "") -> list[Figure]:
    """Scan the sets, and print what became of each."""
    sets = sorted(path for path in (data / "otrf").rglob("*.zip") if only.lower() in path.stem.lower())
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for path in sets:
            results.append(emulated(path, data / "sigma" / "rules", Path(folder)))
            print(results[-1], flush=True)
    lsass = [
        one for one in results if "metasploit" in one.name and one.hosts
    ]  # the campaigns; captures have no findings
    wide = [one for one in results if one.hosts > 1]
    made = [told("emulation: sets", len(results))]
    if lsass:
        good = [one for one in lsass if one.incidents == 1 and one.tactics >= 5]
        made.append(
            at_least(
                "emulation: LSASS sets as one incident of 5 tactics, percent",
                100 * len(good) / len(lsass),
                100,
            )
        )
    if wide:
        share = 100 * sum(one.together == one.hosts for one in wide) / len(wide)
        made.append(told("emulation: sets of several hosts that are one incident, percent", share))
    return made


def main() -> int:
    """Measure what the data allow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", default="", help="sets whose name holds this")
    chosen = parser.parse_args()
    return publish(figures(chosen.data, chosen.only))


if __name__ == "__main__":
    raise SystemExit(main())
