"""Addresses and ports by class: two that no rule tells apart are the same, so that what follows for one holds for the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from kazami.detect.network.suricata.header import Set


class Classes:
    """The classes that some sets make of all numbers."""

    __slots__ = ("_classes", "_edges")

    def __init__(self, sets: Iterable[Set]) -> None:
        told = [group for group in {id(group): group for group in sets}.values() if not group.is_any]
        self._edges = sorted({edge for group in told for edge in _edges(group)})
        known: dict[tuple[bool, ...], int] = {}
        self._classes = [
            known.setdefault(tuple(group.holds(sample) for group in told), len(known))
            for sample in (-1, *self._edges)
        ]

    def of(self, number: int) -> int:
        """The class of a number."""
        return self._classes[bisect_right(self._edges, number)]


def _edges(group: Set) -> Iterable[int]:
    """Where a set begins or ends: the first number inside, the first one behind."""
    for part in (*group.within, *group.without):
        if isinstance(part, Set):
            yield from _edges(part)
        else:
            yield part[0]
            yield part[1] + 1
