"""Where a proxied connection begins, behind what client and server of SOCKS say first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.wire import socks

FIVE = b"\x05\x01\0\x05\x01\0\x03\x09x.example\x01\xbb"
FOUR = b"\x04\x01\x01\xbb\xc0\0\x02\x07anna\0"


@pytest.mark.parametrize(
    ("client", "server", "field"),
    [
        (FIVE, b"\x05\0\x05\0\0\x01\xc0\0\x02\x01\x04\x38", ("request.name", "x.example")),
        (b"\x05\x01\x02\x01\x04anna\x03pwd" + FIVE[3:], b"\x05\x02\x01\0\x05\0\0\x01\xc0\0\x02\x01\x04\x38", ("user", "anna")),
        (FOUR, b"\0\x5a\x01\xbb\xc0\0\x02\x07", ("request.host", "192.0.2.7")),
    ],
)  # fmt: skip
def test_what_is_behind(client: bytes, server: bytes, field: tuple[str, str]) -> None:
    assert socks.is_socks(client, server)
    told, near, far = socks.parse(client + b"inner", server + b"answer")
    assert (near, far) == (len(client), len(server))
    assert told[field[0]] == field[1]
    assert socks.parse(client[:-1], server)[1:] == (0, 0)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes(client: bytes, server: bytes) -> None:
    if socks.is_socks(client, server):
        _, near, far = socks.parse(client, server)
        assert near <= len(client)
        assert far <= len(server)
