"""Addresses and ports by class: two that no rule tells apart are the same, so that what follows for one holds for the other."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from kazami.detect.network.suricata.header import Set


class Classes:
    """The classes that some sets make of all numbers."""

    __slots__ = ("_classes", "_edges", "_many")

    def __init__(self, sets: Iterable[Set]) -> None:
        told = [group for group in {id(group): group for group in sets}.values() if not group.is_any]
        self._edges = sorted({edge for group in told for edge in _edges(group)})
        self._many: dict[int, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = {}
        known: dict[tuple[bool, ...], int] = {}
        self._classes = [
            known.setdefault(tuple(group.holds(sample) for group in told), len(known))
            for sample in (-1, *self._edges)
        ]

    def of(self, number: int) -> int:
        """The class of a number."""
        return self._classes[bisect_right(self._edges, number)]

    def many(self, numbers: npt.NDArray[np.int64], base: int = 0) -> npt.NDArray[np.int64]:
        """The classes of `base` and what is added to it: numbers below 2^32."""
        known = self._many.get(base)
        if known is None:
            first, last = (bisect_left(self._edges, edge) for edge in (base, base + (1 << 32)))
            edges = np.array([edge - base for edge in self._edges[first:last]], np.int64)
            known = self._many[base] = edges, np.array(self._classes[first : last + 1], np.int64)
        edges, classes = known
        found: npt.NDArray[np.int64] = classes[np.searchsorted(edges, numbers, "right")]
        return found


def _edges(group: Set) -> Iterable[int]:
    """Where a set begins or ends: the first number inside, the first one behind."""
    for part in (*group.within, *group.without):
        if isinstance(part, Set):
            yield from _edges(part)
        else:
            yield part[0]
            yield part[1] + 1
