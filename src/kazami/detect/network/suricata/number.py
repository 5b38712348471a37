"""Numbers in rules: ``5``, ``<5``, ``>=5``, ``!5``, ``5-10``, ``5<>10`` (between), ``&6=2`` (what a mask leaves), with units and names where a keyword has them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kazami.detect.network.suricata.fault import RuleError
from kazami.detect.network.suricata.steps import Number, Test

_UNITS = {"": 1, "kb": 1 << 10, "kib": 1 << 10, "mb": 1 << 20, "mib": 1 << 20, "gb": 1 << 30, "gib": 1 << 30}
_NUMBER = re.compile(r"(0x[0-9a-fA-F]{1,16}|\d{1,20})([kmg]i?b)?", re.IGNORECASE)
_RANGE = re.compile(r"(!?)\s*([\w.]+)\s*(?:-|<>)\s*([\w.]+)")
_MASKED = re.compile(r"&\s*(\w+)\s*(!?)=\s*(\w+)")
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}")


def integer(text: str, names: Mapping[str, int] | None = None) -> int:
    """A number, or what it is called.

    Raises:
        RuleError: It is neither.
    """
    text = text.strip()
    named = (names or {}).get(text.lower())
    if named is not None:
        return named
    sign = -1 if text.startswith("-") else 1
    found = _NUMBER.fullmatch(text.lstrip("+-"))
    if found is None:
        raise RuleError(f"{text[:40]!r} is no number")
    return sign * int(found[1], 0 if found[1][:2].lower() == "0x" else 10) * _UNITS[(found[2] or "").lower()]


def variable(text: str) -> Number:
    """A number or the name of a variable."""
    text = text.strip()
    return text if _NAME.fullmatch(text) else integer(text)


def comparison(text: str, names: Mapping[str, int] | None = None) -> Test:
    """A comparison.

    Raises:
        RuleError: It is none.
    """
    text = text.strip().strip('"').strip()
    ranged = _RANGE.fullmatch(text)
    if ranged is not None and not (names and text.lower() in names):
        low, high = integer(ranged[2], names), integer(ranged[3], names)
        if high - low < 2:
            raise RuleError(f"{text[:40]!r}: the range is empty")
        return Test("<>", low, high, bool(ranged[1]))
    masked = _MASKED.fullmatch(text)
    if masked is not None:
        return Test("&=", integer(masked[1], names), integer(masked[3], names), bool(masked[2]))
    for sign in ("<=", ">=", "!=", "<", ">", "=", "!", "&"):
        if text.startswith(sign):
            rest = text[len(sign) :].strip()
            return Test("!" if sign == "!=" else sign, integer(rest, names))
    return Test("=", integer(text, names))
