"""Values within values, and what is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.wire import der
from kazami.wire.cursor import Cursor, Short


def test_values() -> None:
    inner = b"\x02\x01\x05" + b"\x81\x02ab"
    whole = b"\x30" + bytes((len(inner),)) + inner
    assert der.value(whole, 0x30) == der.inside(whole) == inner
    assert list(der.elements(inner)) == [(2, b"\x05"), (0x81, b"ab")]
    assert der.tagged(inner) == {1: b"ab"}
    with pytest.raises(Short):
        der.value(whole, 0x31)
    assert der.inside(b"\x30\x81") == der.inside(b"") == b""
    assert der.oid(bytes.fromhex("2a864886f70d010901")) == "1.2.840.113549.1.9.1"
    assert len(list(der.elements(b"\x05\0" * 5000))) == der.MAX_ELEMENTS


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    assert all(len(value) < len(data) for _, value in der.elements(data))
    assert len(der.inside(data)) <= max(0, len(data) - 2)
    der.oid(data)


def test_a_cursor_ends_where_it_is_told() -> None:
    cursor = Cursor(b"\x00\x02abc", end=4)
    assert cursor.vector(2).take(2) == b"ab"
    with pytest.raises(Short):
        cursor.number(1)
