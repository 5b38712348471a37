"""Emulated intrusions as incidents: whole scans of sets of OTRF with SigmaHQ's rules and ours.

``python -m benchmarks.emulation [--data DIR] [--only NAME]``. Each set is a case of its own; of the campaigns against LSASS: how many incidents the set
becomes, and how many tactics the gravest one has in the order of the matrix. The token forged on a federation server: whether all its sources
are in one incident. Sets of several hosts: the share whose hosts with findings
are in one incident.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, at_least, at_most, publish, told
from kazami.cli import run
from kazami.model.attack import TACTICS
from kazami.model.incident import Incident
from kazami.store.case import Case
from kazami.store.incidents import incidents, members
from kazami.store.read import findings

#: A token forged on a federation server, then mail read in the cloud: four sources of two products.
GOLDEN = "GoldenSAMLADFSMailAccess"


@dataclass(frozen=True, slots=True)
class Emulated:
    """What became of one set."""

    name: str
    incidents: int
    tactics: int
    hosts: int  # with findings in any incident
    together: int  # of them in the gravest incident
    parent: str = ""  # the folder of the set
    atomic: bool = True  # one technique, and not a campaign
    sources: int = 0  # files of evidence with findings in the gravest incident


def emulated(path: Path, rules: Path, folder: Path) -> Emulated:
    """Scan one set into a case, and look at its incidents."""
    case = folder / path.stem
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run(["scan", str(path), "--case", str(case), "--rules", str(rules), "--no-report", "--workers", "2"])
    with Case.open(case, read_only=True) as opened:
        found = list(incidents(opened))
        inside = (
            set(members(opened, found[0].incident_uid).column("finding_uid").to_pylist()) if found else set()
        )
        seen = {row["evidence"] for row in findings(opened) if row["finding_uid"] in inside}
    hosts = {host for one in found for host in one.hosts}
    first = found[0] if found else None
    return Emulated(
        path.stem,
        len(found),
        in_order(first) if first else 0,
        len(hosts),
        len(first.hosts) if first else 0,
        path.parent.name,
        "atomic" in path.parts,
        len(seen),
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
    sets = [path for path in _sets(data / "otrf") if only.lower() in path.stem.lower()]
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for path in sets:
            results.append(emulated(path, data / "sigma" / "rules", Path(folder)))
            print(results[-1], flush=True)
    # captures and sensor logs of the campaigns are sets of their own, most without findings
    lsass = [one for one in results if one.parent.startswith("LSASS") and one.hosts]
    golden = [one for one in results if one.name == GOLDEN]
    wide = [one for one in results if one.hosts > 1 and one.atomic]
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
    if golden:
        made += [
            at_most("emulation: incidents of the golden token", golden[0].incidents, 1),
            at_least("emulation: its sources in one incident, of 4", golden[0].sources, 4),
        ]
    if wide:
        share = 100 * sum(one.together == one.hosts for one in wide) / len(wide)
        made.append(told("emulation: sets of several hosts that are one incident, percent", share))
    return made


def _sets(folder: Path) -> list[Path]:
    """What is scanned as one case: a zipped set, or the folder of an attack that several sources saw."""
    zipped = [path for path in folder.rglob("*.[zZ]ip") if path.parent.name != GOLDEN]
    return sorted([*zipped, *folder.rglob(GOLDEN)])


def main() -> int:
    """Measure what the data allow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", default="", help="sets whose name holds this")
    chosen = parser.parse_args()
    return publish(figures(chosen.data, chosen.only))


if __name__ == "__main__":
    raise SystemExit(main())
