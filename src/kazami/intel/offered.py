"""What a file is that somebody hands over as knowledge: ATT&CK, networks and their owners, or a list of relays."""

from __future__ import annotations

import re
from pathlib import Path

from kazami.intel.networks import opened

ATTACK, NETWORKS, RELAYS = "attack", "networks", "relays"

#: Characters that are looked at, and lines.
_HEAD, _LINES = 1 << 20, 50

_PLACE = r"[0-9a-fA-F:.]{2,45}"
_RANGE = re.compile(
    rf"\"?({_PLACE})\"?[,\t]\"?({_PLACE})\"?[,\t]|\"?{_PLACE}/\d{{1,3}}\"?,\"?\d{{1,10}}\"?,|network,autonomous"
)


def kind(path: Path) -> str:
    """One of the three, by what the file begins with. Raises UsageError where it cannot be opened."""
    with opened(path) as file:
        head = file.read(_HEAD)
    if head.lstrip()[:1] in ("{", "["):
        return RELAYS if '"indicator"' in head and "x_mitre" not in head else ATTACK
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith("#")][:_LINES]
    return NETWORKS if any(map(_is_range, lines)) else RELAYS


def _is_range(line: str) -> bool:
    """Two addresses at the start, or a network and a number; a list of relays has one address and dates."""
    found = _RANGE.match(line)
    return found is not None and (
        found[1] is None or all(one.count(".") == 3 or ":" in one for one in found.groups())
    )
