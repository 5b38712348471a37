"""One pass finds what looking for each literal in each value would find."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.detect.sigma import automaton
from kazami.detect.sigma.automaton import EDGE, Automaton, encoded

TEXTS = st.text(alphabet="ab\0é日\U0001f600\ud800\xff.", max_size=8)
ANCHORS = st.sampled_from([(b"", b""), (EDGE, b""), (b"", EDGE), (EDGE, EDGE)])
LITERALS = st.lists(st.tuples(ANCHORS, TEXTS), min_size=1, max_size=12)


def stands(anchors: tuple[bytes, bytes], literal: str, value: str) -> bool:
    first, last = anchors
    if first and last:
        return value == literal
    if first:
        return value.startswith(literal)
    return value.endswith(literal) if last else literal in value


@pytest.mark.parametrize("window", [automaton.WINDOW, 1, 2, 7])
def test_it_finds_what_each_literal_alone_would(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automaton, "WINDOW", window)

    @settings(max_examples=150, deadline=None)
    @given(LITERALS, st.lists(TEXTS, max_size=8))
    def holds(named: list[tuple[tuple[bytes, bytes], str]], values: list[str]) -> None:
        literals: dict[bytes, list[int]] = {}
        for number, ((first, last), literal) in enumerate(named):
            whole = first + encoded(literal) + last
            if whole and whole != EDGE:
                literals.setdefault(whole, []).append(number)
        if not literals:
            return
        asked = {number for numbers in literals.values() for number in numbers}
        found = Automaton(literals).search(values)
        assert set(found) == {
            (index, number)
            for index, value in enumerate(values)
            for number, (anchors, literal) in enumerate(named)
            if number in asked and stands(anchors, literal, value)
        }

    holds()


@pytest.mark.parametrize(
    ("literal", "values", "found"),
    [
        (b"cmd", ["cmd", "xcmdx", "CMD", ""], [0, 1]),
        (EDGE + b"cmd", ["cmd.exe", "a cmd"], [0]),
        (b".exe" + EDGE, ["cmd.exe", "cmd.exe.txt"], [0]),
        (EDGE + b"cmd" + EDGE, ["cmd", "cmdcmd", "cmd\0"], [0]),
        (EDGE + EDGE, ["", "x", ""], [0, 2]),
        (b"a", ["a"], [0]),
        (b"b", ["a", "b", "ab"], [1, 2]),
        (b"\0", ["a\0b", "ab"], [0]),
        (EDGE + b"\0" + EDGE, ["\0", "\0\0", ""], [0]),
        ("é".encode(), ["été", "e\u0301"], [0]),
        ("\xff".encode(), ["ÿ", "y"], [0]),
    ],
)
def test_anchors_hold_at_the_edges_of_each_value(literal: bytes, values: list[str], found: list[int]) -> None:
    assert sorted(Automaton({literal: [7]}).search(values)) == [(index, 7) for index in found]


def test_no_values_hold_nothing() -> None:
    assert list(Automaton({b"a": [0]}).search([])) == []


def test_a_literal_that_answers_several_questions_names_them_all() -> None:
    assert sorted(Automaton({b"a": [3, 5], b"aa": [4]}).search(["ba", "aa"])) == [
        (0, 3),
        (0, 5),
        (1, 3),
        (1, 4),
        (1, 5),
    ]


def test_what_is_found_in_a_long_value_costs_no_memory_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0
    single = Automaton({b"a": [0], b"aa": [1], b"aaaa" + EDGE: [2]})
    search = single._automaton

    class Counting:
        def find_matches_as_indexes(self, *args: object, **kwargs: object) -> object:
            nonlocal most
            found = search.find_matches_as_indexes(*args, **kwargs)
            most = max(most, len(found))
            return found

    monkeypatch.setattr(single, "_automaton", Counting())
    assert sorted(single.search(["b", "a" * 1_000_000])) == [(1, 0), (1, 1), (1, 2)]
    assert most <= 2 * (automaton.WINDOW + 10)
