"""The parts that correlations are measured with."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.detect.sigma.correlation import logic
from kazami.detect.sigma.correlation.number import PLACES, scaled, text
from kazami.detect.sigma.correlation.order_statistic import kth_smallest


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0", 0),
        ("007", 7),
        (" 12 ", 12),
        ("+3", 3),
        ("-1.5", Fraction(-3, 2)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("1e3", 1000),
        ("1E-3", Fraction(1, 1000)),
        ("0xFF", 255),
        ("1" + "0" * 30, 10**30),
        ("0.0000000000000005", 0),  # beyond 15 places, half to even
        ("0.0000000000000015", Fraction(2, 10**15)),
        ("1e-999", 0),
    ],
)
def test_numbers(written: str, value: Fraction) -> None:
    assert scaled(written) == value * 10**PLACES


@pytest.mark.parametrize(
    "written",
    [
        "",
        "-",
        "1_000",
        "1,5",
        "nan",
        "inf",
        "Infinity",
        "0x",
        "12 MB",
        "٣",
        "²",
        "1e999",
        "9" * 65,
        "1" + "0" * 31,
    ],
)
def test_no_numbers(written: str) -> None:
    assert scaled(written) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fraction(3), "3"),
        (Fraction(5, 2), "2.5"),
        (Fraction(1, 3), "0.333333"),
        (Fraction(10**31), "1" + "0" * 31),
    ],
)
def test_numbers_for_people(value: Fraction, shown: str) -> None:
    assert text(value) == shown


@given(
    values=st.lists(st.integers(0, 9), min_size=1, max_size=40),
    windows=st.lists(st.tuples(*[st.integers(0, 999)] * 3)),
)
@settings(max_examples=100, deadline=None)
def test_kth_smallest_is_that_of_the_sorted_window(
    values: list[int], windows: list[tuple[int, int, int]]
) -> None:
    ranges = []
    for a, b, c in windows:
        start, stop = sorted((a % len(values), b % len(values)))
        ranges.append((start, stop + 1, c % (stop + 1 - start)))
    start, stop, k = (np.array([r[n] for r in ranges], dtype=np.int64) for n in range(3))
    found = kth_smallest(np.array(values), start, stop, k).tolist()
    assert found == [sorted(values[a:b])[c] for a, b, c in ranges]


@pytest.mark.parametrize(
    ("condition", "ways"),
    [
        ("a", [("a", "")]),
        ("a and not b", [("a", "b")]),
        ("(a or b) and c", [("ac", ""), ("bc", "")]),
        ("not (not a or b)", [("a", "b")]),
        ("a or (a and b)", [("a", "")]),
        ("a and not a", []),
        ("a and (b or not b)", [("a", "b"), ("ab", "")]),
    ],
)
def test_alternatives(condition: str, ways: list[tuple[str, str]]) -> None:
    found = logic.alternatives(logic.parse(condition))
    assert sorted(("".join(sorted(w.wanted)), "".join(sorted(w.absent))) for w in found) == sorted(ways)
