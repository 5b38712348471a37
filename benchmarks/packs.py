"""What our packs alone find in public sets: ``python -m benchmarks.packs [--data DIR] [--hits]``.

Behavior by behavior of `behaviors.yml`, found or missed; findings by pack and level; how loud ordinary machines are;
how much there is of each kind of content. With ``--hits`` every finding on the sets of attacks, by rule.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.figures import Figure, at_least, at_most, publish, told
from kazami import pipeline
from kazami.config import Settings
from kazami.detect.sigma.rule import RuleSet
from kazami.model.finding import level_rank
from kazami.packs import names
from kazami.store.case import Case
from kazami.store.read import findings
from kazami.store.summary import summary

HERE = Path(__file__).parent
ATTACKS = ("evtx-attack-samples", "otrf")
BENIGN = "benign-evtx"
LEAST = {"volt_typhoon": 60, "cloud_hopper": 60}
CHAINS = 25


@dataclass(frozen=True, slots=True)
class Behavior:
    """What has to be found: in the evidence with `file` in its name, by one of the rules `any` (names of rule files)."""

    behavior: str
    table: bool
    set: str
    file: str
    any: Sequence[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What the packs found in one set, and the names of its evidence."""

    findings: Sequence[Mapping[str, Any]]
    evidence: frozenset[str]
    events: int


@dataclass(slots=True)
class Nobody:
    """An observer that does not look."""

    seen: int = field(default=0)

    def begin(self, files: int, size: int) -> None:
        """Nothing is shown."""

    def advance(self, size: int, events: int, findings: int, name: str) -> None:
        """Nothing is shown."""

    def tick(self) -> None:
        """Nothing is shown."""


def behaviors() -> list[Behavior]:
    """The list of `behaviors.yml`."""
    return [Behavior(**each) for each in yaml.safe_load((HERE / "behaviors.yml").read_text("utf-8"))]


def request(evidence: Sequence[Path], folder: Path) -> pipeline.Request:
    """A scan with the packs, and nothing that is set on this machine.

    By one worker: of an event that two files hold, it is then always the same one that is named.
    """
    return pipeline.Request(evidence, folder / "case", settings=Settings(cache=folder / "cache"), workers=1)


def found(evidence: Path) -> Found:
    """What the packs find in it."""
    with TemporaryDirectory() as folder:
        asked = request([evidence], Path(folder))
        pipeline.scan(asked, Nobody())
        with Case.open(asked.case, read_only=True) as case:
            told_of = summary(case)
            rows = [dict(row) for row in findings(case)]
            return Found(rows, frozenset(row.name for row in told_of.evidence), told_of.events)


def stems(rules: RuleSet) -> dict[str, Path]:
    """The file of each rule and correlation, by id."""
    infos = [rule.info for rule in rules.rules] + [one.info for one in rules.correlations]
    return {info.id: Path(info.path) for info in infos}


def judged(
    wanted: Iterable[Behavior], sets: Mapping[str, Found], files: Mapping[str, Path]
) -> Iterator[tuple[Behavior, str]]:
    """Each behavior, and whether it is ``found``, ``missed``, or its evidence ``not there``."""
    for one in wanted:
        there = sets.get(one.set)
        if there is None or not any(one.file in name for name in there.evidence):
            yield one, "not there"
            continue
        fired = {
            files[row["rule_id"]].stem for row in there.findings if one.file in row["evidence"]
        }  # fmt: skip
        yield one, "found" if fired.intersection(one.any) else "missed"


def counted(rules: RuleSet) -> list[Figure]:
    """How much there is of each kind."""
    packs = Counter(Path(rule.info.path).parents[1].name for rule in rules.rules)
    chains = Counter(Path(chain.info.path).parents[1].name for chain in rules.correlations)
    yielded = [
        at_least(f"rules of {name}", packs[name], LEAST[name])
        if name in LEAST
        else told(f"rules of {name}", packs[name])
        for name in names()
    ]
    yielded += [told(f"correlations of {name}", chains[name]) for name in names()]
    yielded.append(at_least("correlations", sum(chains.values()), CHAINS))
    yielded.append(at_most("rules that do not load", len(rules.rejected), 0))
    return yielded


def loudness(name: str, there: Found, files: Mapping[str, Path]) -> list[Figure]:
    """Findings of a set by pack and level."""
    by = Counter((files[row["rule_id"]].parents[1].name, row["level"]) for row in there.findings)
    ordered = sorted(by.items(), key=lambda each: (each[0][0], -level_rank(each[0][1])))
    return [told(f"{name}: events", there.events)] + [
        told(f"{name}: {pack}, {level}", count) for (pack, level), count in ordered
    ]


def show_hits(sets: Mapping[str, Found], files: Mapping[str, Path]) -> None:
    """Every finding, by rule, for a person to accept or not."""
    rows = [row for there in sets.values() for row in there.findings]
    for rule_id, count in Counter(row["rule_id"] for row in rows).most_common():
        mine = [row for row in rows if row["rule_id"] == rule_id]
        print(f"\n{count:>5} {mine[0]['level']:<13} {files[rule_id].stem}: {mine[0]['title']}")
        where = Counter(row["evidence"].rsplit("/", 1)[-1] for row in mine)
        for name, times in where.most_common():
            print(f"      {times:>5} {name}")


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--hits", action="store_true", help="list every finding on the sets of attacks, by rule"
    )
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        rules = pipeline.rules_of(request([], Path(folder)))
    files = stems(rules)
    sets = {name: found(path) for name in (*ATTACKS, BENIGN) if (path := options.data / name).is_dir()}
    if options.hits:
        show_hits({name: there for name, there in sets.items() if name in ATTACKS}, files)
    figures = counted(rules)
    outcome = list(judged(behaviors(), sets, files))
    for one, state in outcome:
        print(f"{state:<10} {one.set:<20} {one.behavior}")
    for kind, table in (("of the table", True), ("further", False)):
        states = Counter(state for one, state in outcome if one.table is table)
        figures.append(
            at_least(f"behaviors {kind}, found", states["found"], states["found"] + states["missed"])
        )
        figures.append(told(f"behaviors {kind}, not in the data", states["not there"]))
    for name, there in sets.items():
        figures += loudness(name, there, files)
    if BENIGN in sets:
        high = [row for row in sets[BENIGN].findings if level_rank(row["level"]) >= level_rank("high")]
        figures.append(at_most("high or above on ordinary machines", len(high), 0))
    return publish(figures, HERE / "results" / "packs.json")


if __name__ == "__main__":
    raise SystemExit(main())
