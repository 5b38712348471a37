"""The same record has the same uid wherever a copy of it lies; equal ones of one file are told apart."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.sources import identity
from kazami.sources.identity import Occurrences, digests, encoded, uids


def uid(*texts: str, tenants: list[str] | None = None) -> list[str]:
    named = pa.array(tenants or ["acme"] * len(texts), pa.string())
    found = uids(digests(encoded(texts)), named)
    found.validate(full=True)
    return list(found.to_pylist())


def test_a_uid_is_pinned() -> None:
    """For ever: cases hold such."""
    record, tenant = sha256(b"line").digest(), sha256(b"\xffacme").digest()
    assert uid("line") == [bytes(a ^ b for a, b in zip(record, tenant, strict=True))[:16].hex()]
    assert uid("line") == ["ef59ac700a73c8189ab9c1bf874ffd0e"]


def test_what_the_record_says_and_whose_it_is_make_the_uid() -> None:
    assert uid("a") == uid("a")
    assert uid("a") != uid("b")
    assert uid("a") != uid("a", tenants=["other"])
    assert len({*uid("a", "b", "a "), *uid("a", "b", tenants=["x", "x"])}) == 5


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=3), st.sampled_from(["acme", "b", "日本", ""])), min_size=1, max_size=20
    )
)
def test_neighbors_do_not_matter(records: list[tuple[str, str]]) -> None:
    together = uid(*(text for text, _ in records), tenants=[tenant for _, tenant in records])
    assert together == [uid(text, tenants=[tenant])[0] for text, tenant in records]
    assert len(set(together)) == len(set(records))


def test_lone_surrogates_neither_fail_nor_change_their_neighbors() -> None:
    plain, odd = "é日\U0001f600", "x\ud800y\udc00"
    assert uid(plain, odd)[0] == uid(plain)[0]
    assert uid(odd) == uid(odd)
    assert uid(odd) != uid("xy")
    assert encoded([plain, odd])[0] == plain.encode()
    assert encoded([odd])[0].decode().startswith("x\ufffd")


def told(lines: list[bytes], *sizes: int) -> list[bytes]:
    known, found, start = Occurrences(), [], 0
    for size in [*sizes, len(lines)]:
        found += known.digests(lines[start : start + size])
        start += size
    return found


@settings(deadline=None)
@given(st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=30), st.lists(st.integers(0, 9), max_size=4))
def test_equal_lines_are_told_apart_by_order_whatever_the_batches(
    lines: list[bytes], sizes: list[int]
) -> None:
    found = told(lines, *sizes)
    assert found == told(lines)
    assert len(set(found)) == len(lines)
    firsts = [found[lines.index(line)] for line in set(lines)]
    assert sorted(firsts) == sorted(set(lines))


def test_a_longer_copy_holds_the_uids_of_the_shorter() -> None:
    lines = [b"a", b"b", b"a", b"a"]
    assert told(lines)[:3] == told(lines[:3])
    assert set(told([b"b", *lines])) > set(told(lines[:3]))


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "REMEMBERED", 100)
    known = Occurrences()
    lines = [number.to_bytes(4, "big") for number in range(1000)]
    assert known.digests(lines) == lines
    assert len(known._young) + len(known._old) <= 200
    assert known.digests(lines[-50:]) != lines[-50:]  # near enough to be remembered
    assert known.digests(lines[:50]) == lines[:50]  # too far away: taken for the first


def test_what_is_repeated_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "REMEMBERED", 10)
    known = Occurrences()
    found = []
    for number in range(200):
        found += known.digests([b"again", number.to_bytes(4, "big")])[:1]
    assert len(set(found)) == 200


def test_the_hundred_thousandth_equal_line_has_an_identity_of_its_own() -> None:
    found = Occurrences().digests([b"x"] * 100_000)
    assert len(np.unique(found)) == 100_000
