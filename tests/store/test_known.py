"""Fingerprints never deny what was stored; names stay inside their folder."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.store.known import Known, contains, fingerprints
from kazami.store.names import identifier, literal, safe_name

TEXTS = st.lists(st.text(max_size=4), max_size=20)
NUMBERS = st.lists(st.integers(0, 30), max_size=20)


@given(st.lists(NUMBERS, max_size=12), NUMBERS)
def test_known_is_a_set(stored: list[list[int]], asked: list[int]) -> None:
    known = Known()
    for numbers in stored:
        known.add(np.array(numbers, np.uint64))
    everything = {number for numbers in stored for number in numbers}
    expected = len(set(asked)) < len(asked) or bool(everything & set(asked))
    assert known.may_have(np.array(asked, np.uint64)) == expected


@given(NUMBERS.filter(bool), NUMBERS)
def test_contains(run: list[int], asked: list[int]) -> None:
    found = contains(np.sort(np.array(run, np.uint64)), np.array(asked, np.uint64))
    assert found.tolist() == [number in run for number in asked]


@given(TEXTS)
def test_equal_rows_have_equal_fingerprints_and_others_others(texts: list[str]) -> None:
    columns = [
        pa.chunked_array([pa.array(texts, pa.string())]),
        pa.chunked_array([pa.array(texts[::-1], pa.string())]),
    ]
    prints = fingerprints(columns).tolist()
    rows = list(zip(texts, texts[::-1], strict=True))
    assert len(set(prints)) == len(set(rows))
    assert len(set(zip(rows, prints, strict=True))) == len(set(rows))


def test_fingerprints_of_uids_are_what_they_were() -> None:
    """They are stored in cases: this may change only together with the version of the schema."""
    uids = pa.chunked_array([["0" * 32, "0123456789abcdef" * 2, "f" * 32]])
    assert [f"{number:016x}" for number in fingerprints([uids])] == EXPECTED
    shifted = pa.chunked_array([pa.array(["x" * 32, *uids.to_pylist()])[1:]])
    assert (fingerprints([shifted]) == fingerprints([uids])).all()


EXPECTED = ["6cc4fa4b41d11f41", "3926fbad47c5c974", "472293db6df8ed6a"]


@given(st.text(max_size=200))
def test_safe_names(text: str) -> None:
    name = safe_name(text)
    assert re.fullmatch(r"[a-z0-9_-][a-z0-9._-]{0,99}", name), name
    assert not name.endswith(".")
    assert name not in {"con", "nul", "aux", "prn", "com1", "lpt9"}
    assert safe_name(text) == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("process_creation", "process_creation"),
        ("zeek.conn", "zeek.conn"),
        ("Acme", "acme"),
    ],
)
def test_names_that_are_safe_stay(text: str, expected: str) -> None:
    assert safe_name(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [("a b", "a_b"), ("a/b", "a\\b"), ("..", "."), ("", " "), ("CON", "CON.txt"), ("é", "è")],
)
def test_different_texts_have_different_names(one: str, other: str) -> None:
    assert safe_name(one) != safe_name(other)


def test_quotes() -> None:
    assert identifier('a"b\x00') == '"a""b"'
    assert literal("it's\x00") == "'it''s'"
