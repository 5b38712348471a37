"""Literals that a regular expression cannot do without, so that it need not be tried on most values.

`required` gives a set of literals of which at least one stands in every text that the expression is found in,
or None where no such set is known. Case-folded: ``casefold`` of a text is the joined ``casefold`` of its
characters, so a literal in the text is, folded, in the folded text, whatever the flags.

Python's own parser reads the expression; the engines of `regexp` are others. Where they may read another thing, or
take other characters for the same letter, nothing is claimed: a literal too few costs time, one too many a match.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

#: Shorter literals stand nearly everywhere and are no help.
SHORTEST = 3

#: More alternatives than this cost more than they save.
MOST = 64

#: What the engines read otherwise: classes after POSIX (``[[:alpha:]]``), errors allowed by `regex` (``{e<=1}``).
_OTHERWISE = re.compile(r"\[:\^?\w+:\]|\{[\d\s<=,]*[ides]\s*[<=,:+}]")

#: Where the pattern is not ASCII, `regex` takes these for one letter; case folding does not.
_TURKIC = frozenset("iIİı")

_Literals = frozenset[str]


def required(pattern: str) -> _Literals | None:
    """The literals of one of which every match has at least one; None where none are known."""
    if _OTHERWISE.search(pattern):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a later Python may read otherwise
            tree = sre_parser.parse(pattern)
        found = _of_sequence(list(tree), pattern.isascii())
    except (re.error, RecursionError, OverflowError, ValueError):
        return None  # RE2 knows forms that `re` does not
    if found is None or len(found) > MOST or min(map(len, found)) < SHORTEST:
        return None
    return found


def _of_sequence(items: list[Any], plain: bool) -> _Literals | None:
    """The best of what the parts of a concatenation require."""
    best: _Literals | None = None
    run: list[str] = []
    for op, arg in [*items, (None, None)]:
        if op is sre.LITERAL and _is_safe(chr(arg), plain):
            run.append(chr(arg))
            continue
        if run:
            best = _better(best, frozenset({"".join(run).casefold()}))
            run = []
        if op is not None:
            best = _better(best, _of_item(op, arg, plain))
    return best


def _is_safe(character: str, plain: bool) -> bool:
    """Whether a text that has it, in any case of an engine's choice, has it folded as Python folds it.

    Engines bring tables of their own, of another version of Unicode; letters without case are the same in all.
    """
    if character.isascii():
        return plain or character not in _TURKIC
    return unicodedata.category(character) == "Lo"


def _of_item(op: Any, arg: Any, plain: bool) -> _Literals | None:
    if op is sre.SUBPATTERN:
        return _of_sequence(list(arg[-1]), plain)
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT) and arg[0] >= 1:
        return _of_sequence(list(arg[2]), plain)
    if op is sre.ATOMIC_GROUP:
        return _of_sequence(list(arg), plain)
    if op is sre.BRANCH:
        parts = [_of_sequence(list(branch), plain) for branch in arg[1]]
        known = [part for part in parts if part is not None]
        return frozenset().union(*known) if len(known) == len(parts) else None
    return None


def _better(one: _Literals | None, other: _Literals | None) -> _Literals | None:
    """Long literals first, then few of them."""
    if one is None or other is None:
        return one if other is None else other
    return max(one, other, key=lambda found: (min(8, *map(len, found), 8), -len(found)))
