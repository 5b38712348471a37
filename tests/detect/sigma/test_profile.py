"""What rules cost: counted right, and laid to those who cause it."""

from __future__ import annotations

import pytest
from event_batch import SOURCE, batch, match, rule

from kazami.detect.sigma import profile as module
from kazami.detect.sigma.expression import ANY, Expression, Predicate
from kazami.detect.sigma.match import Matcher
from kazami.detect.sigma.profile import Cost, TimedIndex, profile
from kazami.detect.sigma.rule import Rule
from kazami.model.event import LogSource

EVENTS = [{"Image": f"C:\\{number}\\cmd.exe", "CommandLine": f"cmd /c {number}"} for number in range(10)]
ELSEWHERE = LogSource("linux")


class Clock:
    """A clock on which each look takes one microsecond."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1000
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "perf_counter_ns", made)
    return made


def costs(rules: list[Rule], batches: int = 1) -> dict[str, Cost]:
    return {cost.rule.id: cost for cost in profile(rules, [batch(EVENTS)] * batches)}


def regex(pattern: str) -> Expression:
    return ("is", Predicate("CommandLine", "re", (pattern, "")))


def test_events_batches_and_matches_are_counted() -> None:
    found = costs(
        [
            rule(match("Image", ANY, "cmd.exe"), "all"),
            rule(match("CommandLine", ANY, "/c 7"), "one"),
            rule(match("Image", "never"), "none"),
            rule(match("Image", ANY), "elsewhere", ELSEWHERE),
        ],
        batches=3,
    )
    assert {name: (c.batches, c.events, c.evaluations, c.matches) for name, c in found.items()} == {
        "all": (3, 30, 3, 30),
        "one": (3, 30, 3, 3),
        "none": (3, 30, 0, 0),
        "elsewhere": (0, 0, 0, 0),
    }
    assert found["elsewhere"].total == 0
    assert found["none"].own == 0
    assert found["none"].shared > 0


@pytest.mark.usefixtures("clock")
def test_what_is_tried_value_by_value_is_paid_by_who_asks_it() -> None:
    found = costs([rule(regex("."), "tries"), rule(match("CommandLine", "x"), "looks up")])
    assert found["tries"].shared >= 10  # once a value
    assert found["looks up"].shared < found["tries"].shared
    assert found["tries"].own == 1


@pytest.mark.usefixtures("clock")
def test_who_asks_the_same_shares_the_cost() -> None:
    (alone,) = costs([rule(regex("."), 0)]).values()
    shared = costs([rule(regex("."), number) for number in range(4)])
    assert [cost.shared for cost in shared.values()] == [alone.shared / 4] * 4


@pytest.mark.usefixtures("clock")
def test_a_question_asked_twice_by_one_rule_is_paid_once() -> None:
    (once,) = costs([rule(regex("."))]).values()
    (twice,) = costs([rule(("or", (regex("."), regex("."))))]).values()
    assert once.shared == twice.shared


@pytest.mark.usefixtures("clock")
def test_nothing_is_paid_twice_and_nothing_by_nobody() -> None:
    rules = [rule(regex("."), 1), rule(match("Image", ANY, "a", ANY, "b"), 2), rule(match(None, ANY, "c"), 3)]
    matcher = Matcher(rules, TimedIndex)
    program = matcher.program((SOURCE,))
    list(program.match(batch(EVENTS)))
    indexes = [
        index
        for name in ("CommandLine", "Image", None)
        if isinstance(index := program.index(name), TimedIndex)
    ]
    whole = sum(sum(index.costs().values()) for index in indexes)
    found = costs(rules)
    assert len(indexes) == 3
    assert sum(cost.shared for cost in found.values()) == pytest.approx(whole)


@pytest.mark.usefixtures("clock")
def test_the_most_expensive_comes_first() -> None:
    found = profile([rule(match("Image", "x"), "cheap"), rule(regex("."), "dear")], [batch(EVENTS)])
    assert [cost.rule.id for cost in found] == ["dear", "cheap"]
    assert found[0].total == found[0].own + found[0].shared


def test_without_rules_or_events_there_is_no_cost() -> None:
    assert profile([], [batch(EVENTS)]) == []
    (cost,) = profile([rule(match("Image", "x"))], [batch(EVENTS).slice(0, 0)])
    assert cost.total == cost.batches == 0
