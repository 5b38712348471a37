"""What rules keep with a flow, and by which addresses they keep what goes beyond it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kazami.detect.network.suricata.rule import CountTest, Rule

if TYPE_CHECKING:
    from kazami.detect.network.suricata.session import Session

#: Names of flowbits and numbers that one flow keeps.
MAX_NAMES = 256


def addressed(scope: str, session: Session, side: int) -> bytes:
    """The address, or pair of addresses, that a bit is set on."""
    source, target = session.addresses[side], session.addresses[1 - side]
    if scope == "pair":
        return min(source, target) + max(source, target)
    return source if scope == "source" else target


def tracked(rule: Rule, session: Session, side: int) -> bytes:
    """By what a rule is counted."""
    if rule.limit is None or rule.limit.track == "by_rule":
        return b""
    if rule.limit.track == "by_flow":
        return b"".join(session.addresses) + str((session.ports, session.first)).encode()
    scope = {"by_src": "source", "by_dst": "target", "by_both": "pair"}[rule.limit.track]
    return addressed(scope, session, side)


def flow_bits_hold(command: str, names: tuple[str, ...], bits: set[str]) -> bool:
    """Whether one of some names is set, or (``isnotset``) one of them is not."""
    return not bits.isdisjoint(names) if command == "isset" else not bits.issuperset(names)


def flow_bits(command: str, names: tuple[str, ...], bits: set[str]) -> None:
    """Set, unset or toggle names that a flow keeps."""
    for name in names:
        if command == "unset" or (command == "toggle" and name in bits):
            bits.discard(name)
        elif len(bits) < MAX_NAMES:
            bits.add(name)


def counted(test: CountTest, counts: dict[str, int]) -> bool:
    """Whether a number that a flow keeps is as a rule asks."""
    if test.sign in ("isset", "isnotset", "notset"):
        return (test.name in counts) == (test.sign == "isset")
    if test.sign in ("+", "-", "="):
        return True
    if test.name not in counts:
        return False
    value = counts.get(test.value, 0) if isinstance(test.value, str) else test.value
    return _SIGNS[test.sign](counts[test.name], value)


_SIGNS: dict[str, Callable[[int, int], bool]] = {
    ">": lambda a, b: a > b, "<": lambda a, b: a < b, ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip


def reckon(test: CountTest, counts: dict[str, int]) -> None:
    """Change a number that a flow keeps."""
    if test.sign not in ("+", "-", "=") or (test.name not in counts and len(counts) >= MAX_NAMES):
        return
    value = counts.get(test.value, 0) if isinstance(test.value, str) else test.value
    old = counts.get(test.name, 0)
    new = value if test.sign == "=" else old + value if test.sign == "+" else old - value
    counts[test.name] = max(0, min(new, 0xFFFFFFFF))
