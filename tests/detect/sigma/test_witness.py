"""Where an expression is true, one of its witnesses is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from kazami.detect.sigma import plain
from kazami.detect.sigma.expression import ANY, FALSE, TRUE, Expression, Predicate, predicates
from kazami.detect.sigma.witness import witnesses, words

NAMES = st.sampled_from(["A", "B", "C"])
PARTS = st.sampled_from([("x",), (ANY, "x"), ("y", ANY), (ANY,), (), (ANY, "longer", ANY)])
LEAVES = st.one_of(
    st.builds(Predicate, st.one_of(NAMES, st.none()), st.just("match"), PARTS),
    st.builds(Predicate, NAMES, st.just("null"), st.none()),
    st.builds(Predicate, NAMES, st.just("exists"), st.booleans()),
    st.builds(Predicate, NAMES, st.just("re"), st.sampled_from([("x", ""), ("", ""), ("y|z", "i")])),
    st.builds(Predicate, NAMES, st.just("gt"), st.integers(-1, 3)),
    st.builds(Predicate, NAMES, st.just("ref"), st.tuples(NAMES, st.sampled_from(["eq", "contains"]))),
).map(lambda predicate: ("is", predicate))
EXPRESSIONS = st.recursive(
    st.one_of(LEAVES, LEAVES, LEAVES, st.sampled_from([TRUE, FALSE])),
    lambda inner: st.one_of(
        st.tuples(st.just("and"), st.lists(inner, max_size=3).map(tuple)),
        st.tuples(st.just("or"), st.lists(inner, max_size=3).map(tuple)),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=8,
)
VALUES = st.one_of(st.sampled_from(["x", "yx", "a longer x", "", "2"]), st.none())
EVENTS = st.dictionaries(NAMES, st.one_of(VALUES, st.lists(VALUES, max_size=2)), max_size=3)


def numbered(expression: Expression) -> dict[Predicate, int]:
    return {predicate: number for number, predicate in enumerate(dict.fromkeys(predicates(expression)))}


@settings(max_examples=250, deadline=None)
@given(EXPRESSIONS, st.lists(EVENTS, min_size=1, max_size=8))
def test_what_is_true_has_a_witness(expression: Expression, happened: list[dict[str, Any]]) -> None:
    numbers = numbered(expression)
    found = witnesses(expression, numbers)
    if found is None:
        return
    for one in happened:
        if plain.evaluate(expression, one):
            event("true")
            assert found & {number for predicate, number in numbers.items() if plain.ask(predicate, one)}


def leaf(*parts: str | int, field: str = "A") -> Expression:
    return ("is", Predicate(field, "match", parts))


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (leaf("x"), {0}),
        (("and", (leaf("x"), leaf(ANY, "much longer"))), {1}),
        (("and", (leaf("x"), ("not", leaf("much longer")))), {0}),
        (("or", (leaf("x"), leaf("y"))), {0, 1}),
        (("or", (leaf("x"), ("not", leaf("y")))), None),
        (("not", leaf("x")), None),
        (("is", Predicate("A", "null", None)), None),
        (("is", Predicate("A", "exists", True)), None),
        (("and", (("is", Predicate("A", "exists", True)), leaf("x"))), {1}),
        (("and", (leaf(ANY), leaf("x"))), {1}),
        (TRUE, None),
        (FALSE, set()),
        (("and", ()), None),
        (("or", ()), set()),
        (("and", (leaf("x"), FALSE)), set()),
    ],
)
def test_the_cheapest_are_chosen(expression: Expression, found: set[int] | None) -> None:
    assert witnesses(expression, numbered(expression)) == (None if found is None else frozenset(found))


@settings(max_examples=250, deadline=None)
@given(EXPRESSIONS, st.lists(EVENTS, min_size=1, max_size=8))
def test_what_is_true_has_a_word(expression: Expression, happened: list[dict[str, Any]]) -> None:
    found = words(expression)
    if found is None:
        return
    for one in happened:
        if plain.evaluate(expression, one):
            values = [
                v for value in one.values() for v in (value if isinstance(value, list) else [value]) if v
            ]
            assert any(word in value.casefold() for word in found for value in values)
