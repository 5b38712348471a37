"""Which of many literals stand in which of many values: one pass over all of them.

The values are laid behind each other with an `EDGE` between, a byte that no text has in UTF-8, and a literal that is
anchored takes the edge into itself: ``EDGE powershell`` stands only at the start of a value, ``.exe EDGE`` only at its
end, ``EDGE cmd EDGE`` is a whole value. So one Aho-Corasick automaton answers contains, startswith, endswith and
equals, and reports true matches only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from ahocorasick_rs import BytesAhoCorasick

EDGE = b"\xff"

#: Bytes that are searched at once. A value may consist of nothing but matches; each of them costs memory.
WINDOW = 1 << 16


def encoded(text: str) -> bytes:
    """The bytes of a text, as they are searched for and in."""
    return text.encode("utf-8", "surrogatepass")


class Automaton:
    """Literals to look for, each with the numbers of the questions it answers."""

    def __init__(self, literals: dict[bytes, list[int]]) -> None:
        """`literals` maps a (possibly anchored) literal, not empty, to question numbers."""
        self._questions = list(literals.values())
        self._automaton = BytesAhoCorasick(list(literals))
        self._overlap = max(map(len, literals)) - 1

    def search(self, values: Sequence[str]) -> Iterable[tuple[int, int]]:
        """Pairs (index of the value, question number), each pair at least once."""
        if not values:
            return
        blob = EDGE + EDGE.join(map(encoded, values)) + EDGE
        ends = np.flatnonzero(np.frombuffer(blob, np.uint8) == EDGE[0])
        seen = list(self._windows(blob, ends))
        if not seen:
            return
        pairs = np.unique(np.concatenate(seen)) if len(seen) > 1 else seen[0]
        owners, literals = np.divmod(pairs, len(self._questions))
        for value, literal in zip(owners.tolist(), literals.tolist(), strict=True):
            for question in self._questions[literal]:
                yield value, question

    def _windows(self, blob: bytes, ends: Any) -> Iterator[Any]:
        """For each window what is found there, each value and literal once, as one number."""
        whole = memoryview(blob)
        for start in range(0, len(blob), WINDOW):
            window = whole[start : start + WINDOW + self._overlap]
            found = self._automaton.find_matches_as_indexes(window, overlapping=True)
            if found:
                flat = np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found)).reshape(-1, 3)
                # The last byte of a match before the closing edge of its value tells the value, also where the
                # literal takes the opening edge into itself.
                owners = np.searchsorted(ends, flat[:, 2] + (start - 2), side="right") - 1
                yield np.unique(owners * len(self._questions) + flat[:, 0])
