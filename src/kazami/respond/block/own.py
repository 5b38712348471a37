"""What this machine itself cannot do without: its gateways, its name servers, and who is logged on to it over SSH."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from kazami.model.tenant import parsed

#: Characters of one of the system's files that are read.
_MOST = 1 << 20


def addresses(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> list[str]:
    """Addresses, each once; what cannot be read names none."""
    found = [*_resolvers(root), *_gateways(root), *_far(environment)]
    return list(
        dict.fromkeys(address for address in found if (known := parsed(address)) and not known.is_unspecified)
    )


def _lines(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            return [line.split() for line in file.read(_MOST).splitlines()]
    except OSError:
        return []


def _resolvers(root: Path) -> Iterator[str]:
    for words in _lines(root / "etc" / "resolv.conf"):
        if len(words) > 1 and words[0] == "nameserver":
            yield words[1].partition("%")[0]


def _gateways(root: Path) -> Iterator[str]:
    """After the kernel's ``/proc/net/route`` (numbers as this machine writes them) and ``ipv6_route``."""
    for words in _lines(root / "proc" / "net" / "route")[1:]:
        if len(words) > 2 and words[1] == "00000000" and _hex(words[2], 8):
            yield str(IPv4Address(int.from_bytes(bytes.fromhex(words[2]), "little")))
    for words in _lines(root / "proc" / "net" / "ipv6_route"):
        if len(words) > 4 and words[:2] == ["0" * 32, "00"] and _hex(words[4], 32):
            yield str(IPv6Address(bytes.fromhex(words[4])))


def _hex(text: str, size: int) -> bool:
    return len(text) == size and all(digit in "0123456789abcdefABCDEF" for digit in text)


def _far(environment: Mapping[str, str]) -> Iterator[str]:
    for name in ("SSH_CONNECTION", "SSH_CLIENT"):
        words = environment.get(name, "").split()
        if words:
            yield words[0].partition("%")[0]
