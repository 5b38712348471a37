"""Addresses: which of them are inside somebody's network, by the registries of IANA and nothing else."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network

#: Networks that are never on the internet: RFC 1918, 6598, 3927, 1122, 4193, 4291.
_INSIDE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7",
        "fe80::/10", "::1/128",
    )
)  # fmt: skip

#: The address at which machines in Azure find their platform; it is public by its number only (Microsoft, "What is IP address 168.63.129.16?").
PLATFORM = "168.63.129.16"

#: Characters of the longest address in text, with a zone.
_LONGEST = 64


@lru_cache(1 << 16)
def is_inside(address: str) -> bool:
    """Whether `address` is one that only exists inside a network; False for what is no address."""
    try:
        found = ip_address(address[:_LONGEST].partition("%")[0])
    except ValueError:
        return False
    return any(found in network for network in _INSIDE if network.version == found.version)
