"""Which of many literals stand in which of many values: one pass over all of them.

The values are laid behind each other with NUL between, and a literal that is anchored takes the NUL into itself:
``\\0powershell`` stands only at the start of a value, ``.exe\\0`` only at its end, ``\\0cmd\\0`` is a whole value.
So one Aho-Corasick automaton answers contains, startswith, endswith and equals, and reports true matches only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from ahocorasick_rs import BytesAhoCorasick

NUL = "\0"


class Automaton:
    """Literals to look for, each with the numbers of the questions it answers."""

    def __init__(self, literals: dict[str, list[int]]) -> None:
        """`literals` maps a (possibly anchored) literal, not empty, to question numbers."""
        self._questions = list(literals.values())
        self._automaton = BytesAhoCorasick([literal.encode("utf-8", "replace") for literal in literals])

    def search(self, values: Sequence[str]) -> Iterable[tuple[int, int]]:
        """Pairs (index of the value, question number), each pair at least once. Values hold no NUL."""
        blob = (NUL + NUL.join(values) + NUL).encode("utf-8", "replace")
        found = self._automaton.find_matches_as_indexes(blob, overlapping=True)
        if not found:
            return
        ends = np.flatnonzero(np.frombuffer(blob, np.uint8) == 0)
        flat = np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found)).reshape(-1, 3)
        # The last byte of a match before the closing NUL of its value tells the value, also where the
        # literal takes the opening NUL into itself.
        owners = np.searchsorted(ends, flat[:, 2] - 2, side="right") - 1
        seen = np.unique(owners * len(self._questions) + flat[:, 0])
        for value, literal in zip(
            (seen // len(self._questions)).tolist(), (seen % len(self._questions)).tolist(), strict=True
        ):
            for question in self._questions[literal]:
                yield value, question
