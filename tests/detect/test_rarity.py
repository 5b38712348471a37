"""Rarity: a few units say nothing, what is new every day is not rare, and a share p of ordinary things is as rare at most."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.detect.rarity.memory import RARE, Memory, Things

USUAL = [f"p{number}" for number in range(40)]


def unit(draw: random.Random, novelty: float) -> dict[str, list[str]]:
    new = [f"new {draw.random()}"] if draw.random() < novelty else []
    return {"program": [*draw.sample(USUAL, 30), *new]}


def memory(units: int, novelty: float, seed: int = 1) -> Memory:
    draw = random.Random(seed)
    return Memory({f"{number:05d}": unit(draw, novelty) for number in range(units)})


def test_nothing_and_few_say_nothing() -> None:
    assert Memory().p_value("program", "x") == 1.0
    assert Memory().rare({"program": ["x"]}) == []
    for units in (1, 5, 20, 40):
        assert memory(units, 0.0).rare({"program": ["x"]}) == [], units


def test_what_is_new_is_rare_only_where_new_things_are_rare() -> None:
    quiet, busy = memory(100, 0.02), memory(100, 1.0)
    assert [(one.thing, one.seen, one.units) for one in quiet.rare({"program": ["x", "p1"]})] == [
        ("x", 0, 100)
    ]
    assert busy.rare({"program": ["x", "p1"]}) == []


def test_several_facets_are_corrected_for() -> None:
    one = Memory({f"{n}": {"a": ["x"]} for n in range(60)})
    two = Memory({f"{n}": {"a": ["x"], "b": ["y"]} for n in range(60)})
    assert one.rare({"a": ["z"]})
    assert not two.rare({"a": ["z"], "b": ["y"]})


def test_a_unit_of_another_sort_is_not_judged() -> None:
    known = memory(100, 0.02)
    assert known.unlike("program", [f"other {n}" for n in range(30)])
    assert not known.unlike("program", [*USUAL[:30], "x"])


@pytest.mark.parametrize("novelty", [0.0, 0.1, 0.5, 1.0])
def test_ordinary_things_are_seldom_rare(novelty: float) -> None:
    draw = random.Random(2)
    known = memory(150, novelty)
    asked = [unit(draw, novelty) for _ in range(400)]
    shares = [len(known.rare(one)) / len(one["program"]) for one in asked]
    assert sum(shares) / len(shares) <= RARE


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.lists(st.sampled_from("uvwxyz"))), max_size=30))
def test_p_values_are_probabilities_and_grow_with_what_was_seen(units: list[Things]) -> None:
    known = Memory({str(number): one for number, one in enumerate(units)})
    for facet in "ab":
        found = sorted((sum(t in u.get(facet, ()) for u in units), known.p_value(facet, t)) for t in "uvwxyz")
        values = [p for _, p in found]
        assert all(0 < p <= 1 for p in values)
        assert values == sorted(values)
        assert min(values) >= 1 / (known.known(facet) + 1)
