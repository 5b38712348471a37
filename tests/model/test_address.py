"""Which addresses are inside."""

from __future__ import annotations

import pytest

from kazami.model.address import is_inside


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1", "127.0.0.1", "fe80::1%eth0", "fd00::1", "::1"],
)
def test_inside(address: str) -> None:
    assert is_inside(address)


@pytest.mark.parametrize("address", ["172.32.0.1", "8.8.8.8", "192.0.2.1", "2001:db8::1", "", "x", "1" * 500])
def test_outside_or_none(address: str) -> None:
    assert not is_inside(address)
