"""What the rarity model is worth, measured where data is at hand: ``python -m benchmarks.learned [--data DIR] [--files N] [--programs DIR] [--card]``.

Files: ordinary files of this Python's packages are a tenant's. Of each package that is held out the others are the memory (grouped), and beside it
files drawn at random (which have their own package in the memory, so flatter). All that is flagged is a false alarm; what is flagged must be few.

Programs: the same of benign Windows programs (wheels, unpacked).

Events: captures of one laboratory's hosts (``otrf/atomic``), a day of a host held out at a time. Things on whose own event a rule of level high or
critical fires are held against all others. The laboratory is not a customer's network and its days are not alike: the figures say how
the model behaves, not how much it would find elsewhere.

A made tenant: 40 hosts of four roles over 20 days, each day the usual programs of its role, by Zipf's law some of 300 others, and something wholly new on
one day of ten. On one host an intruder brings ten things of his own. How many of these are flagged, and how many of all others.

``--card`` writes ``docs/models/rarity.md``.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figure, at_least, at_most, publish, told
from kazami.cli import run
from kazami.detect.content.recursion import look
from kazami.detect.rarity.memory import RARE, Memory, Things
from kazami.model.content import Artifact, Looked, Scope
from kazami.model.proportion import wilson
from kazami.pipeline.inspect import analyzers
from kazami.pipeline.rarity import of_file
from kazami.store.case import Case
from kazami.survey.things import things

_ROOT = Path(__file__).resolve().parents[1]
_CARD = _ROOT / "docs" / "models" / "rarity.md"
_LARGEST, _FOLDS = 2 << 20, 10


def main() -> int:
    """Measure, and write the card where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--programs", type=Path, help="benign Windows programs, a folder a package")
    parser.add_argument("--card", action="store_true")
    given = parser.parse_args()
    figures = [
        *_made(),
        *_files(given.files),
        *_programs(given.programs, given.files),
        *_events(given.data / "otrf" / "atomic"),
    ]
    if given.card:
        _write(figures)
    return publish(figures)


def _made() -> list[Figure]:
    """A tenant that is made up, in which the truth is known."""
    draw = random.Random(1)
    weights = [1 / rank for rank in range(1, 301)]

    def day(host: int) -> list[str]:
        usual = [f"role {host % 4} program {number}" for number in range(25)]
        others = {f"other {number}" for number in draw.choices(range(300), weights, k=5)}
        return [*usual, *others, *([f"new {draw.random()}"] if draw.random() < 0.1 else [])]

    known = Memory({f"{at:02d} {host}": {"program": day(host)} for at in range(20) for host in range(40)})
    tools = [f"tool {number}" for number in range(10)]
    days = {host: day(host) for host in range(40)}
    ordinary = [thing for had in days.values() for thing in had]
    flagged = sum(len(known.rare({"program": had})) for had in days.values())
    found = {one.thing for one in known.rare({"program": [*days[0], *tools]})} & set(tools)
    return [
        at_least("made tenant: of an intruder's things flagged, %", 100 * len(found) / len(tools), 90),
        at_most("made tenant: of ordinary things flagged, %", 100 * flagged / len(ordinary), 100 * RARE),
    ]


def _files(number: int) -> list[Figure]:
    """How many files of this Python's packages are called rare."""
    place = Path(sys.prefix)
    paths = _drawn((path for path in place.rglob("*") if path.suffix != ".pyc"), number)
    groups = {
        str(path): path.relative_to(place).parts[3 if "site-packages" in path.parts else 0] for path in paths
    }
    units = {str(path): _unit(path, f"/{path.relative_to(place)}") for path in paths}
    return _judged("files", units, groups)


def _programs(folder: Path | None, number: int) -> list[Figure]:
    """The same of Windows programs, with those forged for the tests of their analyzer held against all of them."""
    if folder is None:
        print("no --programs, so no figures of programs", file=sys.stderr)
        return []
    paths = _drawn(
        (path for path in folder.rglob("*") if path.suffix.lower() in (".dll", ".exe", ".pyd")), number
    )
    groups = {str(path): path.relative_to(folder).parts[0] for path in paths}
    units = {
        str(path): _unit(path, path.name) for path in paths
    }  # where they lie says nothing: each package has a folder of its own
    forged = [_unit(path, path.name) for path in sorted((_ROOT / "tests" / "golden" / "pe").glob("*.in"))]
    known = Memory(units)
    rare = sum(bool(known.rare(had)) for had in forged)
    return [
        *_judged("programs", units, groups),
        told("programs made for tests", len(forged)),
        told("programs made for tests, rare, %", 100 * rare / max(len(forged), 1)),
    ]


def _drawn(paths: Iterable[Path], number: int) -> list[Path]:
    every = sorted(path for path in paths if path.is_file() and 0 < path.stat().st_size < _LARGEST)
    return sorted(random.Random(1).sample(every, min(number, len(every))))


def _judged(name: str, units: dict[str, Things], groups: dict[str, str]) -> list[Figure]:
    """How many are flagged with their group held out, and drawn at random."""
    names = sorted(set(groups.values()))
    draw = random.Random(1)
    by_group = {one: at % _FOLDS for at, one in enumerate(draw.sample(names, len(names)))}
    grouped = {path: by_group[groups[path]] for path in units}
    at_random = {path: draw.randrange(_FOLDS) for path in units}
    return [
        told(f"{name}, ordinary", len(units)),
        told(f"{name}, packages", len(names)),
        *_flagged(f"{name}, grouped by package", units, grouped),
        *_flagged(f"{name}, drawn at random", units, at_random),
    ]


def _unit(path: Path, name: str) -> Things:
    root = Artifact(path.read_bytes(), (path.name,))
    first = next(one for one in look(root, analyzers(), Scope()) if isinstance(one, Looked))
    return of_file(first, name)


def _flagged(name: str, units: dict[str, Things], folds: dict[str, int]) -> list[Figure]:
    flagged = 0
    for fold in range(_FOLDS):
        known = Memory({path: had for path, had in units.items() if folds[path] != fold})
        flagged += sum(bool(known.rare(had)) for path, had in units.items() if folds[path] == fold)
    low, high = wilson(flagged, len(units))
    first = at_most if "grouped" not in name else (lambda name, value, bar: told(name, value))
    return [first(f"{name}: flagged, %", 100 * flagged / len(units), 100 * RARE), told(f"{name}: 95 % from", 100 * low), told(f"{name}: 95 % to", 100 * high)]  # fmt: skip


def _events(folder: Path) -> list[Figure]:
    """Of days of hosts that are held out: how many things are rare that no rule speaks of, and that one does."""
    if not folder.exists():
        print(f"{folder}: not there, so no figures of events", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as place:
        case = Path(place) / "case"
        run(["scan", str(folder), "--case", str(case), "--no-report", "--workers", "1", "--format", "jsonl", "--output", str(case.parent / "out")])  # fmt: skip
        with Case.open(case, read_only=True) as opened:
            units = list(things(opened))
            rows = opened.database.rows(
                "SELECT DISTINCT unnest(f.event_uids) AS event FROM kase.finding f JOIN kase.rule r "
                "ON r.id = f.rule_id AND r.version = f.rule_version WHERE r.level IN ('high', 'critical')"
            )
    grave = {row["event"] for row in rows}
    counts = {True: [0, 0], False: [0, 0]}
    for at, (_, had) in enumerate(units):
        known = Memory({str(n): other for n, (_, other) in enumerate(units) if n != at})
        for facet, listed in had.items():
            rare = (
                {one.thing for one in known.rare({facet: listed})}
                if not known.unlike(facet, list(listed))
                else set()
            )
            for thing, event in listed.items():
                counts[event in grave][0] += thing in rare
                counts[event in grave][1] += 1
    return [told("events, days of hosts", len(units)), *_share("no rule fires on", counts[False]), *_share("a grave rule fires on", counts[True])]  # fmt: skip


def _share(name: str, counts: Sequence[int]) -> list[Figure]:
    low, high = wilson(counts[0], counts[1])
    return [
        told(f"events, things that {name}", counts[1]),
        told(f"events, rare of those that {name}, %", 100 * counts[0] / max(counts[1], 1)),
        told(f"events, of those that {name}: 95 % from", 100 * low),
        told(f"events, of those that {name}: 95 % to", 100 * high),
    ]


def _write(figures: Sequence[Figure]) -> None:
    rows = "\n".join(f"| {one.name} | {one.value:,.3f} | {one.bar} |" for one in figures)
    _CARD.parent.mkdir(parents=True, exist_ok=True)
    _CARD.write_text(_TEXT.format(rows=rows, date=f"{datetime.now(UTC):%Y-%m-%d}", rare=RARE), "utf-8")


_TEXT = """# Card of the rarity model

Written by `python -m benchmarks.learned --card` on {date}; change `benchmarks/learned.py`, not this page.

| | |
|---|---|
| what it says | how surprising a thing is by what the **same tenant** had before: a conformal p-value (`src/kazami/detect/rarity/memory.py`) |
| of what | hosts on a day: programs, parent and child, signers of loaded libraries, drivers, services; files: features, signer, hash of imports, folder, by kind |
| learned from | the tenant's own earlier cases (`kazami rare learn`) and files (`kazami inspect --tenant NAME --learn`), without days on which something grave was found and files that anything speaks against |
| kept | one file a tenant, which names its tenant; never read for another |
| may do | mark a file with `learned.rare`: medium, cap *suspicious*, so it never convicts; list what is rare of a case, which raises no finding |
| says nothing | with few data: n units give no p below 1 / (n + 1), and rare is at most {rare:g}; where half of a host's things are new; of kinds of files that were never seen |
| can be wrong | whatever is new and ordinary (an update, a new department) is rare at first; what an intruder did before the first day learned is usual; calibration assumes that days are like each other |

## Measured

| figure | value | bar |
|---|---|---|
{rows}

*Grouped by package* is the figure to quote: nothing of a package that is held out is in the memory, as a new product is to a customer. It has no bar, for a new package **is** new; drawn at random is what the
p-value promises, and flatters. The events are those of a laboratory in which people attacked on every day; a rule's findings are no truth, only another opinion.

Not measured: how much of current real malware it would mark. No such files are at hand.

A made tenant shows what the model does where its assumption holds, no more. Programs made for tests (harmless ones among them) come from no package: that they are rare is no
detection of what is bad.

## No other model

No model of malware ships, because no data at hand carries one. Collections of real malware are not reachable, or live and not to be fetched. Published tables of features of programs are confounded: nearly all of their
malware is 32-bit and hardly any of it a library, so a model learns that. Published tables of features of PDFs do well on their own source and badly on newer files of another, and their licence is unclear. Labelled
command lines are too few to hold a program out. Benign scripts and programs alone (packages) give false alarms, and no recall. `kazami evaluate` measures what there is on a
customer's own samples.
"""


if __name__ == "__main__":
    sys.exit(main())
