"""What the text of a value says: a number, a moment, an address. The evaluators share these readings."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_LONGEST = 400  # characters of a text that can still be a number
_NUMBER = re.compile(r"[+-]?(?:\d+(?P<fraction>\.\d*)?|\.\d+)(?P<exponent>[eE][+-]?\d+)?", re.ASCII)
_HEX = re.compile(r"0[xX][0-9a-fA-F]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number(text: str) -> int | float | None:
    """The number that `text` spells: decimal, with fraction or exponent, or hexadecimal after ``0x``.

    Whole numbers are exact at any size. Spaces, thousands separators and underscores make it no number.
    """
    if len(text) > _LONGEST:
        return None
    if found := _NUMBER.fullmatch(text):
        if found["fraction"] is None and found["exponent"] is None and "." not in text:
            return int(text)
        return float(text)
    return int(text, 16) if _HEX.fullmatch(text) else None


def moment(text: str) -> datetime | None:
    """The moment that `text` spells, in UTC: ISO 8601 (without zone: UTC), or seconds or milliseconds since 1970.

    Numbers below 10^8 (before 1973) are taken for counts, not for times.
    """
    seconds = number(text)
    try:
        if seconds is not None and seconds >= 1e8 and "x" not in text.lower():
            return _EPOCH + timedelta(seconds=seconds / 1000 if seconds >= 1e11 else seconds)
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def time_part(when: datetime, part: str) -> int:
    """`part` of a moment: minute hour day week month year; the week is that of ISO 8601."""
    if part == "week":
        return when.isocalendar().week
    return int(getattr(when, part))


def address(text: str) -> Address | None:
    """The IPv4 or IPv6 address that `text` spells: any case, with zone (``%eth0``) or in brackets."""
    if not 2 <= len(text) <= 80:
        return None
    bare = text[1:-1] if text[0] == "[" and text[-1] == "]" else text
    try:
        return ip_address(bare.partition("%")[0])
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def network(text: str) -> Network:
    """The network of a `cidr` predicate; host bits are ignored. Raises ValueError."""
    return ip_network(text, strict=False)


def inside(where: Address, net: Network) -> bool:
    """Whether an address lies in a network; ``::ffff:10.0.0.1`` lies where 10.0.0.1 does, too."""
    if isinstance(where, IPv6Address):
        if isinstance(net, IPv6Network):
            return where in net
        return where.ipv4_mapped is not None and where.ipv4_mapped in net
    return where in net
