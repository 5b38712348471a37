"""Regular expressions in bounded time: RE2 where it can, else `regex` with a time limit a value.

Sigma's flavor is PCRE, unanchored and case-sensitive. Both engines are brought to PCRE's meaning of ``$`` (the end,
or before a final line feed) and of ``\\\\w \\\\d \\\\s`` (ASCII).
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import prod
from typing import Any, Protocol

import re2
import regex

from kazami.detect.sigma.fault import Fault

LONGEST = 10_000  # characters of a pattern
LONGEST_SLOW = 1_000  # of one that needs the backtracking engine
MOST_REPEATS = 100_000  # product of its repetition counts: that engine unrolls them
SECONDS = 0.05  # for one value

_COUNTS = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_END = re.compile(r"\\Q.*?(?:\\E|$)|\\Z|\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\$", re.DOTALL)
_INLINE_M = re.compile(r"\(\?[a-z]*m")


class Searcher(Protocol):
    """A compiled regular expression."""

    def search(self, text: str) -> bool:
        """Whether it is found somewhere in `text`. Raises TimeoutError where that takes longer than `SECONDS`."""
        ...


class Linear:
    """RE2: time grows with the text only."""

    __slots__ = ("_search",)

    def __init__(self, pattern: str, flags: str) -> None:
        options = re2.Options()
        options.log_errors = False
        whole = f"(?{flags}){pattern}" if flags else pattern
        ends = {r"\Z"} if "m" in flags or _INLINE_M.search(pattern) else {r"\Z", "$"}
        if r"\Z" not in pattern:
            self._search: Any = re2.compile(whole, options).search
        if any(end in pattern for end in ends):
            # only now, because it takes long where brackets are not closed
            self._search = re2.compile(_replaced(whole, ends, r"(?:\n?\z)"), options).search

    def search(self, text: str) -> bool:
        return self._search(text.encode("utf-8", "replace")) is not None


class Backtracking:
    """The `regex` module, for look-around and the like; slow, hence named by the lint."""

    __slots__ = ("_search",)

    def __init__(self, pattern: str, flags: str) -> None:
        charset = regex.ASCII if pattern.isascii() else regex.UNICODE
        bits = charset | sum(getattr(regex, flag.upper()) for flag in flags)
        self._search: Any = regex.compile(_replaced(pattern, {r"\Z"}, r"(?=\n?\z)"), bits).search

    def search(self, text: str) -> bool:
        return self._search(text, timeout=SECONDS) is not None


def _replaced(pattern: str, ends: set[str], by: str) -> str:
    """The pattern with the anchors `ends` spelled otherwise, outside of brackets and escapes."""
    return _END.sub(lambda found: by if found[0] in ends else found[0], pattern)


def _unrolled(pattern: str) -> int:
    return prod(max(int(low), int(high or 0), 1) for low, high in _COUNTS.findall(pattern[:LONGEST_SLOW]))


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str, flags: str) -> Searcher:
    """The searcher for a pattern with flags of "ims". Raises `Fault` where no engine can have it."""
    if len(pattern) > LONGEST:
        raise Fault(f"regular expression of {len(pattern)} characters; at most {LONGEST} are read")
    try:
        return Linear(pattern, flags)
    except (re2.error, UnicodeEncodeError):
        pass  # look-around, back references: the other engine may have it
    if len(pattern) > LONGEST_SLOW or _unrolled(pattern) > MOST_REPEATS:
        raise Fault(
            "regular expression too large: RE2 cannot have it, and the other engine is not safe with it"
        )
    try:
        return Backtracking(pattern, flags)
    except (regex.error, RecursionError, MemoryError, OverflowError, ValueError) as error:
        raise Fault(f"not a regular expression: {error}") from error
