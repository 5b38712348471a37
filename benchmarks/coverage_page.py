"""``docs/coverage.md``, technique by technique: ``python -m benchmarks.coverage_page [--check]``.

What detects it, and what cannot be seen. The techniques are those that ATT&CK reports of the packs' actors, and all
others that a rule names. Rules, actors and data components are read from where they are used; nothing is written by hand.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from kazami import packs
from kazami.intel import translate
from kazami.intel.actor import actors, habits
from kazami.intel.shelf import shipped
from kazami.intel.table import Technique
from kazami.model.attack import TACTICS
from kazami.model.rule import RuleInfo
from kazami.pipeline import Request, rules_of
from kazami.pipeline.detectors import rules as detected

PACKS = Path(packs.__file__).parent
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "coverage.md"

#: Rules named for one technique; more are counted. Data components named where there is no rule.
NAMED, COMPONENTS = 8, 5

#: Tactics outside a victim's network.
OUTSIDE = frozenset({"reconnaissance", "resource-development"})


@dataclass(slots=True)
class Row:
    """One technique: who uses it, the rules that name it, and the data components that these read."""

    id: str
    actors: dict[str, str] = field(default_factory=dict)
    rules: list[RuleInfo] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    below: list[str] = field(default_factory=list)  # its sub-techniques that have rules

    @property
    def technique(self) -> Technique:
        """What ATT&CK says of it."""
        return shipped().technique[self.id]

    @property
    def tactic(self) -> str:
        """Its first tactic in the order of the matrix."""
        return min(self.technique.tactics, key=TACTICS.index)

    @property
    def outside(self) -> bool:
        """Whether it happens where no victim can look."""
        return set(self.technique.tactics) <= OUTSIDE

    @property
    def seen(self) -> bool:
        """Whether a rule names it, or a sub-technique of it."""
        return bool(self.rules or self.below)

    @property
    def unread(self) -> list[str]:
        """Data components in which ATT&CK says it can be seen, and which none of its rules reads."""
        return [one for one in self.technique.components if one not in self.read]


def rows() -> dict[str, Row]:
    """All techniques, by id of the shipped version of ATT&CK."""
    found: dict[str, Row] = {}
    for actor in actors():
        for habit in habits(actor.group, shipped()):
            if habit.id[0] == "T":
                row = found.setdefault(habit.id, Row(habit.id))
                row.actors[actor.name] = f"{habit.rarity}, {habit.groups}"
    for info, sources in _rules():
        for technique in translate.techniques(info.techniques, 18, shipped()):
            if technique in shipped().technique:
                row = found.setdefault(technique, Row(technique))
                row.rules.append(info)
                row.read |= _components(sources)
    for row in found.values():
        if row.rules and (above := found.get(row.technique.parent)):
            above.below.append(row.id)
            above.read |= row.read
    return dict(sorted(found.items()))


def _rules() -> Iterator[tuple[RuleInfo, set[str]]]:
    """Every rule, chain and detector, with the log sources that it reads: a chain reads those of its rules."""
    loaded = rules_of(Request([], Path()))
    read: dict[str, set[str]] = {}
    for rule in loaded.rules:
        sources = {rule.info.logsource.category or "", rule.info.logsource.service or ""} - {""}
        read[rule.info.id] = sources
        yield rule.info, sources
    for chain in loaded.correlations:
        yield chain.info, set()
    for info in detected():
        yield info, {info.logsource.category or "", info.logsource.service or ""} - {""}


def _components(sources: set[str]) -> set[str]:
    known = yaml.safe_load((ROOT / "benchmarks" / "components.yml").read_text("utf-8"))
    return {component for source in sources for component in known.get(source, ())}


def page() -> str:
    """The page."""
    found = rows()
    by_tactic: defaultdict[str, list[Row]] = defaultdict(list)
    for row in found.values():
        by_tactic[row.tactic].append(row)
    parts = [_opening(found)]
    for tactic in (one for one in TACTICS if one in by_tactic):
        parts.append(f"## {tactic.replace('-', ' ').capitalize()}\n\n" + _table(by_tactic[tactic]))
    parts.append(_unseen(found))
    return "\n".join(parts)


def _opening(found: dict[str, Row]) -> str:
    inside = [row for row in found.values() if not row.outside]
    lines = [
        "# Coverage, technique by technique",
        "",
        "Made by `python -m benchmarks.coverage_page` from the rules of the packs and the table of ATT&CK; a test checks that it",
        "is up to date. A rule that names a technique sees some of its forms, not all; and it sees nothing where the log that it",
        "reads is not written ([`kazami coverage`](command-line.md) says that of a case).",
        "",
        f"ATT&CK Enterprise {shipped().version}. {shipped().notice}",
        "",
        "| | techniques | visible to a victim | with a rule, or one for a sub-technique |",
        "|---|---|---|---|",
    ]
    for actor in actors():
        mine = [row for row in found.values() if actor.name in row.actors]
        visible = [row for row in mine if not row.outside]
        covered = sum(row.seen for row in visible)
        lines.append(f"| {actor.name} ({actor.group}) | {len(mine)} | {len(visible)} | {covered} |")
    covered = sum(row.seen for row in inside)
    lines.append(f"| all on this page | {len(found)} | {len(inside)} | {covered} |")
    return "\n".join([*lines, ""])


def _table(listed: list[Row]) -> str:
    lines = [
        "| technique | used by (rarity, groups) | what detects it | what its rules do not read |",
        "|---|---|---|---|",
    ]
    for row in sorted(listed, key=lambda one: one.id):
        name = shipped().name(row.id)
        used = "; ".join(f"{actor} ({rarity})" for actor, rarity in sorted(row.actors.items()))
        lines.append(f"| {row.id} {name} | {used or '–'} | {_detects(row)} | {_not_read(row)} |")
    return "\n".join([*lines, ""])


def _detects(row: Row) -> str:
    if not row.rules and row.below:
        return f"through {', '.join(sorted(row.below))}"
    if not row.rules:
        return "**nothing**: outside the network" if row.outside else "**nothing**"
    ordered = sorted(row.rules, key=lambda info: (info.kind != "rule", info.title))
    named = [_link(info) for info in ordered[:NAMED]]
    more = f" and {len(ordered) - NAMED} more" if len(ordered) > NAMED else ""
    return ", ".join(named) + more


def _link(info: RuleInfo) -> str:
    path = Path(info.path)
    title = info.title.replace("|", "\\|")
    if PACKS in path.parents:  # wherever it is installed, the page is about the sources
        return f"[{title}](../src/kazami/packs/{path.relative_to(PACKS).as_posix()})"
    return title


def _not_read(row: Row) -> str:
    if row.outside:
        return "–"
    unread = row.unread
    shown = ", ".join(unread[:COMPONENTS]) + (
        f" and {len(unread) - COMPONENTS} more" if unread[COMPONENTS:] else ""
    )
    return shown or "–"


def _unseen(found: dict[str, Row]) -> str:
    outside = [row.id for row in found.values() if row.outside and not row.seen]
    blind = [row for row in found.values() if not row.outside and not row.seen]
    lines = [
        "## What cannot be seen",
        "",
        "* **Outside the network**: what the actors do before they come. No log of a victim shows it: "
        + ", ".join(outside)
        + ".",
        "* **Without a rule**: visible in principle, in what stands behind each; no rule of the packs looks there. Most of it is",
        "  what every program does, or happens on devices whose logs do not say it.",
        "",
    ]
    for row in blind:
        where = ", ".join(row.technique.components[:COMPONENTS]) or "nothing that ATT&CK names"
        lines.append(f"    * {row.id} {shipped().name(row.id)}: {where}")
    return "\n".join([*lines, ""])


def main() -> int:
    """Write the page; with ``--check``, only say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 where it is out of date"
    )
    made = page()
    if parser.parse_args().check:
        current = PAGE.is_file() and PAGE.read_text("utf-8") == made
        print(f"{PAGE}: {'up to date' if current else 'out of date'}")
        return int(not current)
    PAGE.write_text(made, "utf-8")
    print(f"{PAGE}: written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
