"""Literals that a regular expression cannot do without, so that it need not be tried on most values.

`required` gives a set of literals of which at least one stands in every text that the expression is found in,
or None where no such set is known. Case-folded: ``casefold`` of a text is the joined ``casefold`` of its
characters, so a literal in the text is, folded, in the folded text, whatever the flags.
"""

from __future__ import annotations

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

#: Shorter literals stand nearly everywhere and are no help.
SHORTEST = 3

#: More alternatives than this cost more than they save.
MOST = 64


def required(pattern: str) -> frozenset[str] | None:
    """The literals of one of which every match has at least one; None where none are known."""
    try:
        tree = sre_parser.parse(pattern)
    except (re.error, RecursionError, OverflowError, ValueError):
        return None  # RE2 knows forms that `re` does not
    found = _of_sequence(list(tree))
    if found is None or len(found) > MOST or min(map(len, found)) < SHORTEST:
        return None
    return found


def _of_sequence(items: list[Any]) -> frozenset[str] | None:
    """The best of what the parts of a concatenation require."""
    best: frozenset[str] | None = None
    run: list[str] = []
    for op, arg in [*items, (None, None)]:
        if op is sre.LITERAL:
            run.append(chr(arg))
            continue
        if run:
            best = _better(best, frozenset({"".join(run).casefold()}))
            run = []
        if op is not None:
            best = _better(best, _of_item(op, arg))
    return best


def _of_item(op: Any, arg: Any) -> frozenset[str] | None:
    if op is sre.SUBPATTERN:
        return _of_sequence(list(arg[-1]))
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT) and arg[0] >= 1:
        return _of_sequence(list(arg[2]))
    if op is sre.ATOMIC_GROUP:
        return _of_sequence(list(arg))
    if op is sre.BRANCH:
        parts = [_of_sequence(list(branch)) for branch in arg[1]]
        known = [part for part in parts if part is not None]
        return frozenset().union(*known) if len(known) == len(parts) else None
    return None


def _better(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """Long literals first, then few of them."""
    if one is None or other is None:
        return one if other is None else other
    return max(one, other, key=lambda found: (min(8, *map(len, found), 8), -len(found)))
