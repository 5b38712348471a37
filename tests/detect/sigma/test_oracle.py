"""SigmaHQ's own positive tests, by the plain evaluator: each rule is true on the events published with it.

Log sources are left out here: only the detection of the rule that an `info.yml` names is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kazami.detect.sigma.load import load
from kazami.detect.sigma.plain import evaluate
from kazami.detect.sigma.rule import RuleSet

#: Security 4688 in the words of process creation.
WORDS = {"NewProcessName": "Image", "ParentProcessName": "ParentImage", "CommandLine": "CommandLine"}


@pytest.fixture(scope="module")
def rules(shared: Path) -> RuleSet:
    folders = ("rules", "rules-emerging-threats", "rules-threat-hunting")
    return load([shared / "sigma" / folder for folder in folders])


def test_all_rules_load_or_say_why(rules: RuleSet) -> None:
    assert len(rules.rules) + len(rules.rejected) >= 3753
    assert len(rules.rejected) < 40
    assert all("placeholder" in gone.reason for gone in rules.rejected)


def test_published_events_match(rules: RuleSet, shared: Path) -> None:
    by_id = {rule.info.id: rule for rule in rules.rules}
    failed, seen = [], 0
    for info in sorted((shared / "sigma" / "regression_data").rglob("info.yml")):
        content = yaml.safe_load(info.read_text(encoding="utf-8"))
        for metadata in content["rule_metadata"]:
            rule = by_id[metadata["id"]]
            for path in info.parent.glob("*.json"):
                seen += 1
                wanted = content["regression_tests_info"][0].get("match_count", 1)
                if sum(evaluate(rule.condition, event) for event in events(path)) < wanted:
                    failed.append(rule.info.title)
    assert not failed
    assert seen > 50


def events(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_text(encoding="utf-8-sig")
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        record, position = decoder.raw_decode(text, position)
        yield fields(record["Event"])
        while position < len(text) and text[position].isspace():
            position += 1


def fields(event: dict[str, Any]) -> dict[str, Any]:
    system = event["System"]
    found = {
        "EventID": system["EventID"],
        "Channel": system["Channel"],
        "Provider_Name": attribute(system, "Provider"),
    }
    for section in ("EventData", "UserData"):
        for name, value in flat(event.get(section) or {}):
            found[name] = value
            found.setdefault(WORDS.get(name, name), value)
    return {
        name: None if value is None else [text(v) for v in value] if isinstance(value, list) else text(value)
        for name, value in found.items()
    }


def attribute(system: dict[str, Any], name: str) -> str:
    value = system[name]["#attributes"]["Name"]
    assert isinstance(value, str)
    return value


def flat(section: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, dict):
            yield from flat(value)
        else:
            yield name, value


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
