"""The standard of a campaign's pack: enough rules, and for each the proof of what it does and on what it rests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kazami.packs import find

CASES = Path(__file__).parents[1] / "cases"

#: Packs that are held to the standard, with the least number of rules. A pack joins when it is ready.
HELD = {"common": 70, "cloud_hopper": 60, "volt_typhoon": 60}

RULES = [path for name in HELD for path in sorted((find(name) / "rules").glob("*.yml"))]
KINDS = {"near-miss", "look-alike"}

#: A row of the published record: ``threats 1.4 row ntdsutil``, a whole section of it, or a pattern's id.
ROW = re.compile(r"((threats|incidents) \d+(\.\d+)?( row \S.*)?|host-patterns (VT|MP)\d{2})")


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def case_of(rule: Path) -> dict[str, Any]:
    """The case of a rule, or of a correlation."""
    (path,) = (
        found
        for folder in ("packs", "pack_correlations")
        if (found := CASES / folder / rule.stem / "case.yaml").is_file()
    )
    return read(path)


def fires(event: dict[str, Any]) -> bool:
    return event["findings"] > 0 if "findings" in event else event["match"] is True


@pytest.mark.parametrize("name", HELD)
def test_there_are_enough_rules(name: str) -> None:
    assert len(list((find(name) / "rules").glob("*.yml"))) >= HELD[name]


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.stem)
def test_a_case_names_its_row(rule: Path) -> None:
    rows = str(case_of(rule).get("facts", "")).split("; ")
    assert [row for row in rows if not ROW.fullmatch(row)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.stem)
def test_a_case_fires_nearly_fires_and_shows_ordinary_work(rule: Path) -> None:
    events = case_of(rule)["events"]
    assert any(fires(event) for event in events)
    assert {event.get("kind") for event in events if not fires(event)} >= KINDS
    assert all(event.get("about") for event in events)


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.stem)
def test_what_decides_is_told_from_what_only_looks_like_it(rule: Path) -> None:
    """No two events of a case are the same: each shows something of its own."""
    told = {"about", "kind", "match", "findings"}
    shown = [
        yaml.safe_dump({key: value for key, value in event.items() if key not in told})
        for event in case_of(rule)["events"]
    ]
    assert len(set(shown)) == len(shown)
