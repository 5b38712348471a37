"""Names of DNS: labels, pointers, and those that lead in circles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.wire.cursor import Short
from kazami.wire.name import MAX_LABELS, labels


def test_names() -> None:
    data = b"\x01a\x02bc\0" + b"\x01d\xc0\x02"
    assert labels(data, 0) == (b"a.bc", 6)
    assert labels(data, 6) == (b"d.bc", 10)
    assert labels(b"\0", 0) == (b"", 1)


@pytest.mark.parametrize(
    "data", [b"\xc0\x00", b"\x01a\xc0\x00", b"\x40", b"\x05ab", b"\x01a" * (MAX_LABELS + 2) + b"\0"]
)
def test_what_is_no_name(data: bytes) -> None:
    with pytest.raises(Short):
        labels(data, 0)


@given(st.binary(max_size=100), st.integers(0, 100))
def test_any_bytes(data: bytes, at: int) -> None:
    try:
        name, after = labels(data, at)
    except (Short, IndexError):
        return
    assert len(name) <= len(data) * MAX_LABELS
    assert at < after <= len(data)
