"""The official positive tests of SigmaHQ: ``python -m benchmarks.regression [--data DIR]``.

Every rule with a positive test fires, by id, at least `match_count` times, from the EVTX and from its JSON twin.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.figures import Figure, at_least, at_most, publish, told
from kazami.detect.sigma.load import load
from kazami.detect.sigma.match import Matcher
from kazami.detect.sigma.rule import RuleSet
from kazami.model.event import Route
from kazami.pipeline.look import batches

RULES = ("rules", "rules-emerging-threats", "rules-threat-hunting")


@dataclass(frozen=True, slots=True)
class Positive:
    """One test: the rule, how often it must fire at least, and the evidence in its two forms."""

    rule: str
    title: str
    wanted: int
    evidence: tuple[Path, ...]


def positives(data: Path) -> Iterator[Positive]:
    """The tests below `data`."""
    for info in sorted((data / "sigma" / "regression_data").rglob("info.yml")):
        content = yaml.safe_load(info.read_text("utf-8"))
        for rule in content.get("rule_metadata") or []:
            for test in content.get("regression_tests_info") or []:
                evidence = tuple(
                    path
                    for suffix in ("evtx", "json")
                    if (path := info.parent / f"{rule['id']}.{suffix}").exists()
                )
                if evidence:
                    yield Positive(rule["id"], rule["title"], test.get("match_count") or 1, evidence)


def counted(matcher: Matcher, path: Path) -> Counter[str]:
    """How many distinct events each rule is true on."""
    events: set[tuple[str, str]] = set()
    for batch in batches([path]):
        assert Route.of(batch)
        uids = batch.column("event_uid").to_pylist()
        for match in matcher.match(batch):
            events.update((match.rule.info.id, uids[row]) for row in match.rows.tolist())
    return Counter(rule for rule, _ in events)


def missed(data: Path, rules: RuleSet) -> Iterator[tuple[Positive, Path, int]]:
    """The tests that fail: which, from which evidence, how often the rule fired."""
    matcher = Matcher(rules.rules)
    for positive in positives(data):
        for path in positive.evidence:
            found = counted(matcher, path)[positive.rule]
            if found < positive.wanted:
                yield positive, path, found


def main() -> int:
    """Run all tests; print those that fail."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data
    rules = load([data / "sigma" / name for name in RULES])
    failed = list(missed(data, rules))
    for positive, path, found in failed:
        print(f"{positive.rule} {positive.title!r}: {found} of {positive.wanted} from {path.name}")
    for gone in rules.rejected:
        print(f"rejected: {gone.path}: {gone.reason}")
    total = sum(len(positive.evidence) for positive in positives(data))
    return publish(_figures(rules, total, len(failed)))


def _figures(rules: RuleSet, total: int, failed: int) -> list[Figure]:
    return [
        told("rules loaded", len(rules.rules) + len(rules.correlations)),
        at_most("rules rejected", len(rules.rejected), 39),
        told("positive tests, EVTX and JSON", total),
        at_least("positive tests passed, percent", 100 * (total - failed) / max(1, total), 100),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
