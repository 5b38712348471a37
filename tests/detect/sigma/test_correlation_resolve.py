"""How correlations are tied: what no case of findings can show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kazami.detect.sigma.correlation import load, resolve
from kazami.detect.sigma.correlation.resolve import MAX_CHAIN
from kazami.detect.sigma.expression import TRUE
from kazami.detect.sigma.rule import Correlation, Rule
from kazami.model.rule import RuleInfo

RULE = Rule(RuleInfo("a", "0" * 16, "A", "medium", path="a.yml"), TRUE)
WEAK = Rule(RuleInfo("b", "0" * 16, "B", "low", path="b.yml"), TRUE)


def over(id_: str, *rules: str, **words: str) -> Correlation:
    section = {"type": "temporal", "rules": list(rules), "timespan": "1m"}
    return load({"title": id_, "id": id_, "correlation": section, **words}, f"{id_}.yml")


@pytest.mark.parametrize(
    ("given", "level"), [({}, "medium"), ({"level": "low"}, "low"), ({"level": "critical"}, "critical")]
)
def test_a_level_is_its_own_or_the_highest_below(given: dict[str, str], level: str) -> None:
    outer, inner = over("outer", "inner", "b"), over("inner", "b", "a", **given)
    assert [c.info.level for c in resolve([outer, inner], [RULE, WEAK]).correlations] == [level, level]


def test_inner_ones_come_first_and_otherwise_the_order_stays() -> None:
    given = [over("z", "y", "x"), over("y", "x"), over("x", "a"), over("w", "a")]
    assert [c.info.id for c in resolve(given, [RULE]).correlations] == ["x", "w", "y", "z"]


def test_a_chain_has_an_end() -> None:
    chain = [over("c0", "a"), *(over(f"c{n}", f"c{n - 1}") for n in range(1, MAX_CHAIN + 2))]
    outcome = resolve(chain, [RULE])
    assert len(outcome.correlations) == MAX_CHAIN
    assert [r.id for r in outcome.rejected] == [f"c{MAX_CHAIN}", f"c{MAX_CHAIN + 1}"]
    assert {r.reason for r in outcome.rejected} == {"it builds on a chain of 32 correlations or more"}


def test_a_long_round_is_told_from_a_long_chain_by_its_reason() -> None:
    outcome = resolve([over("p", "q"), over("q", "r"), over("r", "p")], [RULE])
    assert outcome.rejected[0].reason == "it builds on itself: p > q > r > p"
    assert outcome.rejected[0].path == "p.yml"


def test_rules_are_given_back_as_they_were_but_for_reporting() -> None:
    assert resolve([], [RULE, WEAK]).rules == (RULE, WEAK)
    assert resolve([over("x", "a")], [RULE, WEAK]).rules == (replace(RULE, report=False), WEAK)
