"""The packs that come with Kazami: whole, in our own words, each rule with a case."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from kazami.detect.sigma.load import load
from kazami.errors import UsageError
from kazami.model.attack import TACTICS
from kazami.model.finding import LEVELS
from kazami.packs import find, names

CASES = Path(__file__).parents[1] / "cases"
RULES = [path for name in names() for path in sorted((find(name) / "rules").glob("*.yml"))]


def test_the_packs_are_found_by_name() -> None:
    assert names() == ["cloud_hopper", "common", "volt_typhoon"]
    assert (find("common") / "pack.yml").is_file()


def test_an_unknown_pack_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no pack 'salt'.*cloud_hopper, common, volt_typhoon"):
        find("salt")


@pytest.mark.parametrize("name", names())
def test_a_pack_says_what_it_is(name: str) -> None:
    pack = yaml.safe_load((find(name) / "pack.yml").read_text(encoding="utf-8"))
    assert pack["name"] == name
    assert pack["license"] == "Apache-2.0"
    assert pack["title"]
    assert pack["about"]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_a_rule_says_all_that_a_person_needs(path: Path) -> None:
    rule = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert UUID(rule["id"]).version == 4
    assert rule["author"] == "Kazami authors"
    assert rule["license"] == "Apache-2.0"
    assert rule["level"] in LEVELS
    assert len(rule["title"]) <= 100
    assert len(rule["description"]) > 40
    assert rule["falsepositives"]
    assert all(reference.startswith("https://") for reference in rule["references"])
    assert rule["date"].isoformat() >= "2026-01-01"
    tags = [tag.removeprefix("attack.") for tag in rule["tags"]]
    assert any(re.fullmatch(r"t\d{4}(\.\d{3})?", tag) for tag in tags)
    assert all(tag in TACTICS or tag.startswith("t") for tag in tags)


def test_ids_and_titles_are_used_once() -> None:
    rules = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in RULES]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert len({rule["title"] for rule in rules}) == len(rules)


def test_every_rule_has_a_case_and_every_case_a_rule() -> None:
    folders = ("packs", "pack_correlations")
    told = [path.parent.name for folder in folders for path in CASES.glob(f"{folder}/*/case.yaml")]
    assert sorted(path.stem for path in RULES) == sorted(told)


def test_what_is_only_worth_counting_stays_quiet_under_a_correlation() -> None:
    rules = load([find(name) / "rules" for name in names()])
    counted = {rule for correlation in rules.correlations for rule in correlation.rules}
    loud = [
        one.info.title
        for one in (*rules.rules, *rules.correlations)
        if one.info.level == "informational" and one.info.id in counted and one.report
    ]
    assert loud == []


def test_behaviors_of_the_benchmark_name_rules_that_there_are() -> None:
    listed = yaml.safe_load((CASES.parents[1] / "benchmarks" / "behaviors.yml").read_text(encoding="utf-8"))
    wanted = {name for behavior in listed for name in behavior["any"]}
    assert wanted - {path.stem for path in RULES} == set()
    assert sum(behavior["table"] for behavior in listed) == 15
