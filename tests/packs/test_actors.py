"""Profiles of actors: whole, by kind of name, and with rules and malware that exist."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml

from kazami.errors import UsageError
from kazami.intel.actor import Actor, actors, find, habits, plain, read, recognizes
from kazami.intel.shelf import shipped
from kazami.packs import find as pack
from kazami.packs import names


@pytest.mark.parametrize("actor", actors(), ids=lambda actor: actor.pack)
def test_a_profile_is_whole(actor: Actor) -> None:
    group = shipped().group[actor.group]
    said = {plain(one.name) for one in actor.names}
    assert {plain(one) for one in (group.name, *group.aliases)} <= said
    for text in (actor.origin, actor.aim, *actor.habits.values()):
        assert text["en"]
        assert text["ja"]
    assert len(actor.habits) >= 7
    assert actor.references


def test_names_are_found_however_they_are_written() -> None:
    assert find("VOLT-TYPHOON") is find("volt typhoon") is find("BronzeSilhouette") is find("volt_typhoon")
    assert find("stone panda").group == "G0045"
    with pytest.raises(UsageError, match="no actor 'happyyongzi'"):
        find("happyyongzi")  # a password in lists of names


def test_rules_that_recognize_malware_exist_and_so_does_the_malware() -> None:
    ids = {
        yaml.safe_load(path.read_text("utf-8"))["id"]
        for name in names()
        for path in (pack(name) / "rules").rglob("*.yml")
        if "\n---" not in path.read_text("utf-8")
    }
    assert recognizes()
    for rule, software in recognizes().items():
        assert rule in ids
        assert shipped().piece[software].kind == "malware"


def test_rarity_is_that_of_the_facts(shared: Path) -> None:
    facts = shared.parent / "facts" / "technique-rarity.csv"
    if not facts.is_file():
        pytest.skip(f"no facts at {facts}")
    with facts.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for column, group in (("volt_typhoon_G1017", "G1017"), ("menupass_G0045", "G0045")):
        counted = {one.id: one.groups for one in habits(group, shipped())}
        wanted = {row["technique_id"]: int(row["groups_incl_campaigns"]) for row in rows if row[column]}
        assert {one: counted[one] for one in wanted} == wanted
        assert len([one for one in counted if one[0] == "T"]) == len(wanted)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "must be a mapping"),
        ("a: {", "while parsing"),
        ("names: [{name: X, kind: foe}]", "kind must be one of"),
        ("names: [{name: X, kind: actor}, {name: x, kind: actor}]", "there twice"),
        ("names: 3", "list of mappings"),
        ("names: []", "group and name are needed"),
        ("{group: G1, name: x}", "origin: needs the texts"),
        ("a: " + "b" * (1 << 20), "more than"),
    ],
)
def test_a_broken_profile_is_named(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "actor.yml"
    path.write_text(content)
    with pytest.raises(UsageError, match=reason) as said:
        read(path)
    assert str(path) in str(said.value)
