"""In which order rules are asked that meet on the same bytes."""

from __future__ import annotations

from collections.abc import Iterable

from kazami.detect.network.suricata.rule import Rule


def ordered(candidates: Iterable[Rule]) -> list[Rule]:
    """Rules in the order in which they are asked: pass and drop first, those that set a bit before those that ask for it."""
    return sorted(candidates, key=_order)


def _order(rule: Rule) -> tuple[int, ...]:
    return rule.order
