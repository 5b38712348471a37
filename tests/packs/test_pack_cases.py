"""Each rule of the packs on its cases: what must fire fires, what only looks like it stays quiet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from kazami.detect.sigma import correlation, trial
from kazami.detect.sigma.load import load
from kazami.detect.sigma.plain import evaluate
from kazami.detect.sigma.rule import Rule, RuleSet
from kazami.model.event import LogSource
from kazami.packs import find, names

CASES = Path(__file__).parents[1] / "cases" / "packs"
CORRELATIONS = Path(__file__).parents[1] / "cases" / "pack_correlations"
UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}
ENVELOPED = ("host", "user", "logon_id")


@cache
def rules() -> RuleSet:
    return load([find(name) / "rules" for name in names()])


def sequences() -> Iterator[Any]:
    """Pairs of a case of a correlation and one of its sequences of events."""
    for path in sorted(CORRELATIONS.glob("*/case.yaml")):
        case = yaml.safe_load(path.read_text(encoding="utf-8"))
        for sequence in case["events"]:
            yield pytest.param(path, case, sequence, id=f"{path.parent.name}: {sequence['about']}")


def test_every_rule_loads_without_a_word_of_warning() -> None:
    assert [(rule.path, rule.reason) for rule in (*rules().rejected, *rules().warnings)] == []


@pytest.mark.parametrize("path", sorted(CASES.glob("*/case.yaml")), ids=lambda path: path.parent.name)
def test_rule(path: Path) -> None:
    outcomes = trial.run(path)
    assert [outcome for outcome in outcomes if not outcome.passed] == []
    assert {outcome.expected for outcome in outcomes} == {True, False}


@pytest.mark.parametrize("path", sorted(CORRELATIONS.glob("*/case.yaml")), ids=lambda path: path.parent.name)
def test_a_case_of_a_correlation_shows_what_fires_what_misses_and_what_looks_alike(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert case["facts"].startswith(("threats", "host-patterns"))
    kinds = {"fires" if each["findings"] else each["kind"] for each in case["events"]}
    assert kinds == {"fires", "near-miss", "look-alike"}


@pytest.mark.parametrize(("path", "case", "sequence"), list(sequences()))
def test_correlation(path: Path, case: dict[str, Any], sequence: dict[str, Any]) -> None:
    asked = yaml.safe_load((path.parent / case["rule"]).read_text(encoding="utf-8"))["id"]
    events = list(happened(sequence, LogSource(**case["logsource"])))
    fields = {name for fields in correlation.needed_fields(rules().correlations).values() for name in fields}
    outcomes = correlation.evaluate(rules().correlations, correlation.Matches.of(matches(events), fields))
    hits = {outcome.correlation.info.id: outcome.hits for outcome in outcomes}
    assert len(hits[asked]) == sequence["findings"]


def happened(
    event: dict[str, Any], source: LogSource
) -> Iterator[tuple[datetime, LogSource, dict[str, str]]]:
    """Time, log source and fields of each event; `{n}` in a value counts."""
    time = datetime(2026, 11, 9, tzinfo=UTC)
    for step in event.get("sequence", [event]):
        where = LogSource(**step["logsource"]) if "logsource" in step else source
        for number in range(step.get("repeat", 1)):
            yield (
                time,
                where,
                {name: value.replace("{n}", str(number)) for name, value in step["event"].items()},
            )
            every = step.get("every", "1s")
            time += timedelta(**{UNITS[every[-1]]: int(every[:-1])})


def matches(sequence: list[tuple[datetime, LogSource, dict[str, str]]]) -> pa.Table:
    """Every match of every rule of the packs, as correlations want them."""
    rows = [
        {
            "rule_id": rule.info.id,
            "event_uid": f"{number:032}",
            "time": time,
            "tenant": "t",
            "table": "t",
            "evidence": "e",
            "record": number,
            **{name: event[name] for name in ENVELOPED if name in event},
            "fields": [(name, value) for name, value in event.items() if name not in ENVELOPED],
        }
        for number, (time, source, event) in enumerate(sequence)
        for rule in rules().rules
        if matching(rule, source, event)
    ]
    return pa.Table.from_pylist(rows, schema=correlation.MATCHES)


def matching(rule: Rule, source: LogSource, event: dict[str, str]) -> bool:
    return rule.info.logsource.covers(source) and evaluate(rule.condition, event)
