"""Touchpoints over a synthetic provider: precision and recall a type of abuse, with what was missed and what was not abuse.

``python -m benchmarks.provider [--seed N]``; see `benchmarks.provider_layer` for what is made. Declared synthetic: these figures
say how the judges treat what somebody thought of, not how often the world is like it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, at_least, publish, told
from benchmarks.provider_layer import INJECTED, batches, made
from kazami.detect.touchpoint import RULES, judge
from kazami.model.finding import level_rank

#: Worlds of other seeds, which nobody looked at when the judges were changed.
OTHERS = 3

#: Which touchpoints speak of which type; a finding of another one that names the abuse counts for it, too.
TYPES = {
    "A": ("J1", "J1T"),
    "B": ("J4", "J10", "J7"),
    "C": ("J3", "J8", "J11"),
    "D": ("J5", "J6"),
    "E": ("J2", "J9", "J12", "J13"),
}


def main() -> int:
    """Make, judge, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--data", type=Path, help="not needed: everything is made")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    start = time.process_time()
    world, rows, notes = measured(options.seed)
    seconds = time.process_time() - start
    print(
        f"SYNTHETIC provider layer, seed {options.seed}: {len(world.events):,} events, {len(rows)} findings"
    )
    for note in notes:
        print(note)
    figures = _figures(world, rows)
    with contextlib.redirect_stdout(io.StringIO()):
        others = [_figures(*measured(options.seed + number)[:2]) for number in range(1, OTHERS + 1)]
    for name, least in (
        ("precision", 0.9),
        *((f"type {kind}: recall, without the hidden", 0.9) for kind in INJECTED),
    ):
        worst = min(one.value for figures_of in others for one in figures_of if one.name == name)
        figures.append(at_least(f"{OTHERS} other seeds, the worst: {name}", worst, least))
    figures.append(told("processor seconds", seconds))
    return publish(figures, options.keep)


def measured(seed: int) -> tuple[Any, list[dict[str, Any]], list[str]]:
    """The world of a seed, what is found in it at medium or above, and the notes."""
    world, directory = made(seed)
    found, notes = judge(batches(world), directory)
    keys = {rule.id: key for key, rule in RULES.items()}
    rows = [row | {"key": keys[row["rule_id"]]} for row in found.to_pylist()]
    return world, [row for row in rows if level_rank(RULES[row["key"]].level) >= level_rank("medium")], notes


def _figures(world: Any, rows: list[dict[str, Any]]) -> list[Figure]:
    caught: dict[str, set[str]] = defaultdict(set)
    right, wrong = Counter[str](), Counter[str]()
    false: list[str] = []
    for row in rows:
        cases = {world.abuse[uid][0] for uid in row["event_uids"] if uid in world.abuse}
        kind = next(kind for kind, names in TYPES.items() if row["key"] in names)
        for case in cases:
            caught[case].add(row["key"])
        (right if cases else wrong)[kind] += 1
        if not cases:
            false.append(f"  {row['key']} {row['tenant']} {row['time']:%m-%d %H:%M} {dict(row['matched'])}")
    figures = []
    for kind in INJECTED:
        mine = {case: variant for case, variant in world.cases.items() if case.startswith(kind)}
        missed = {case: variant for case, variant in mine.items() if not caught[case]}
        visible = [case for case, variant in mine.items() if variant != "hidden"]
        for case, variant in mine.items():
            print(f"{case} ({variant}): {', '.join(sorted(caught[case])) or 'MISSED'}")
        share = 1 - sum(case in missed for case in visible) / len(visible)
        figures.append(told(f"type {kind}: recall, all", 1 - len(missed) / len(mine)))
        figures.append(at_least(f"type {kind}: recall, without the hidden", share, 0.9))
        count = right[kind] + wrong[kind]
        figures.append(told(f"type {kind}: precision", right[kind] / count if count else 0.0))
    print(f"not abuse ({len(false)}):")
    print("\n".join(false))
    good, bad = sum(right.values()), sum(wrong.values())
    figures.append(at_least("precision", good / (good + bad) if rows else 0.0, 0.9))
    return figures


if __name__ == "__main__":
    sys.exit(main())
