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

from kazami.detect.sigma import correlation
from kazami.detect.sigma.load import load
from kazami.detect.sigma.plain import evaluate
from kazami.detect.sigma.rule import Rule, RuleSet
from kazami.model.event import LogSource
from kazami.packs import find, names

CASES = Path(__file__).parents[1] / "cases" / "packs"
UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


@cache
def rules() -> RuleSet:
    return load([find(name) / "rules" for name in names()])


@cache
def named(path: str) -> Any:
    """The loaded rule or correlation of a file, given as pack/slug."""
    pack, slug = path.split("/")
    file = str(find(pack) / "rules" / f"{slug}.yml")
    (found,) = (rule for rule in (*rules().rules, *rules().correlations) if rule.info.path == file)
    return found


def cases(kind: str) -> Iterator[Any]:
    """Pairs of a case and one of its events; `kind` is the key that says what is expected."""
    for path in sorted(CASES.glob("*/case.yaml")):
        case = yaml.safe_load(path.read_text(encoding="utf-8"))
        for event in case["events"]:
            if kind in event:
                yield pytest.param(case, event, id=f"{path.parent.name}: {event['about']}")


def test_every_rule_loads_without_a_word_of_warning() -> None:
    assert [(rule.path, rule.reason) for rule in (*rules().rejected, *rules().warnings)] == []


@pytest.mark.parametrize(("case", "event"), list(cases("match")))
def test_rule(case: dict[str, Any], event: dict[str, Any]) -> None:
    rule = named(case["rule"])
    assert rule.info.logsource == LogSource(**case["logsource"])
    assert evaluate(rule.condition, event["event"]) is event["match"]


@pytest.mark.parametrize(("case", "event"), list(cases("findings")))
def test_correlation(case: dict[str, Any], event: dict[str, Any]) -> None:
    rule = named(case["rule"])
    sequence = list(happened(event, LogSource(**case["logsource"])))
    fields = {name for fields in correlation.needed_fields(rules().correlations).values() for name in fields}
    outcomes = correlation.evaluate(rules().correlations, correlation.Matches.of(matches(sequence), fields))
    hits = {outcome.correlation.info.id: outcome.hits for outcome in outcomes}
    assert len(hits[rule.info.id]) == event["findings"]


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
            "fields": list(event.items()),
        }
        for number, (time, source, event) in enumerate(sequence)
        for rule in rules().rules
        if matching(rule, source, event)
    ]
    return pa.Table.from_pylist(rows, schema=correlation.MATCHES)


def matching(rule: Rule, source: LogSource, event: dict[str, str]) -> bool:
    return rule.info.logsource.covers(source) and evaluate(rule.condition, event)
