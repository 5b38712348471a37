"""A rule is said to be blind only where this evidence cannot make it fire, and then with a reason."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.detect.sigma import plain
from kazami.detect.sigma.blind import blind
from kazami.detect.sigma.expression import ANY, FALSE, TRUE, Expression, Predicate, to_json
from kazami.detect.sigma.rule import Rule
from kazami.model.event import LogSource
from kazami.model.rule import RuleInfo

CREATION = LogSource("windows", "process_creation", "sysmon")
SECURITY = LogSource("windows", None, "security")
NAMES = st.sampled_from(["A", "B", "C"])
LEAVES = st.one_of(
    st.builds(Predicate, NAMES, st.just("match"), st.sampled_from([("x",), (ANY,), (ANY, "y")])),
    st.builds(Predicate, NAMES, st.just("null"), st.none()),
    st.builds(Predicate, NAMES, st.just("exists"), st.booleans()),
    st.builds(Predicate, NAMES, st.just("ref"), st.tuples(NAMES, st.just("eq"))),
    st.builds(Predicate, st.none(), st.just("match"), st.just((ANY, "x", ANY))),
).map(lambda predicate: ("is", predicate))
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, max_size=3).map(tuple)),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=6,
)
VALUES: list[Any] = [..., None, "", "x", "xy", ["x", None], []]


def rule(condition: Expression, source: LogSource = CREATION, cached: bool = False) -> Rule:
    info = RuleInfo("id", "0" * 16, "title", logsource=source)
    return Rule(info, msgspec.json.encode(to_json(condition)) if cached else condition)


def events(names: frozenset[str]) -> list[dict[str, Any]]:
    """Every event with fields among `names`, of a few values."""
    ordered = sorted(names)
    return [
        {name: value for name, value in zip(ordered, values, strict=True) if value is not ...}
        for values in itertools.product(VALUES, repeat=len(ordered))
    ]


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, st.sets(NAMES).map(frozenset), st.booleans())
def test_a_blind_rule_is_true_of_no_event(condition: Expression, names: frozenset[str], cached: bool) -> None:
    found = blind([rule(condition, cached=cached)], {(CREATION,): names})
    if found:
        assert found[0].reason
        assert not any(plain.evaluate(condition, event) for event in events(names))


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(
    ("condition", "names", "reason"),
    [
        (("is", Predicate("A", "match", ("x",))), {"A"}, None),
        (("is", Predicate("A", "match", ("x",))), {"B"}, "never seen in windows/process_creation/sysmon: A"),
        (("is", Predicate("A", "null", None)), set(), None),
        (("is", Predicate("A", "exists", False)), set(), None),
        (("is", Predicate("A", "exists", True)), set(), "never seen in windows/process_creation/sysmon: A"),
        (("not", ("is", Predicate("A", "match", ("x",)))), set(), None),
        (("is", Predicate(None, "match", ("x",))), {"B"}, None),
        (("is", Predicate("A", "ref", ("B", "eq"))), {"A"}, "never seen in windows/process_creation/sysmon: B"),
        (
            (
                "and",
                (
                    ("is", Predicate("A", "match", ("x",))),
                    ("is", Predicate("D", "null", None)),
                    ("not", ("is", Predicate("C", "match", ("x",)))),
                ),
            ),
            {"B"},
            "never seen in windows/process_creation/sysmon: A",  # neither C nor D would help
        ),
        (("or", (("is", Predicate("A", "match", ("x",))), ("is", Predicate("B", "match", ("x",))))), {"B"}, None),
        (("and", ()), set(), None),
        (TRUE, set(), None),
        (FALSE, {"A"}, "its condition cannot be true of any event"),
        (("or", ()), {"A"}, "its condition cannot be true of any event"),
    ],
)  # fmt: skip
def test_reasons(condition: Expression, names: set[str], reason: str | None, cached: bool) -> None:
    found = blind([rule(condition, cached=cached)], {(CREATION,): frozenset(names)})
    assert [one.reason for one in found] == ([] if reason is None else [reason])


def test_fields_of_different_events_do_not_add_up() -> None:
    both = ("and", (("is", Predicate("A", "match", ("x",))), ("is", Predicate("B", "match", ("x",)))))
    seen = {
        (CREATION,): frozenset({"A"}),
        (LogSource("windows", "process_creation"),): frozenset({"B"}),
        (SECURITY,): frozenset({"A", "B"}),
    }
    (found,) = blind([rule(both, LogSource("windows", "process_creation"))], seen)
    assert found.reason == "never seen together in windows/process_creation/*: A, B"
    assert not blind([rule(both, SECURITY)], seen)
    assert not blind([rule(both, LogSource())], seen)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (LogSource("linux"), "no events of linux/*/*"),
        (LogSource("windows", "dns_query"), "no events of windows/dns_query/*"),
        (LogSource("windows", None, "sysmon"), None),
        (LogSource(None, "process_creation"), None),
    ],
)
def test_without_events_of_its_log_source_a_rule_is_blind(asked: LogSource, said: str | None) -> None:
    found = blind([rule(TRUE, asked)], {(SECURITY, CREATION): frozenset()})
    assert [one.reason for one in found] == ([] if said is None else [said])


def test_where_nothing_was_seen_every_rule_is_blind() -> None:
    assert len(blind([rule(TRUE), rule(TRUE, LogSource())], {})) == 2
