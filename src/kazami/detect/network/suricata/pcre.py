"""Regular expressions of rules: linear time with RE2 where it can say the same, else the `regex` package with a time limit.

What PCRE allows and neither can say is named when the rule is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import re2
import regex

from kazami.detect.network.suricata.buffers import LETTERS
from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.steps import View

#: Seconds that one search may take where time is not linear, and characters of the longest expression.
TIMEOUT, LONGEST = 0.05, 8192

#: Bytes of a buffer that an expression without linear time sees (PCRE gives up after its own match limit).
MOST = 1 << 20

_FORM = re.compile(
    r"(!?)\s*\"?\s*(?:m(?=[^\w\s]))?(?P<mark>[^\w\s])(.*)(?P=mark)([A-Za-z0-9]*)\s*(?:,\s*(.*?))?\s*\"?\s*",
    re.DOTALL,
)
_SHORT = re.compile(rb"(?<!\\)\\x([0-9a-fA-F]?)(?![0-9a-fA-F{])")
_SELF = frozenset("ismxEAGRO8")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression as a rule has it: pattern, flags of the language itself, buffer, whether relative or negated."""

    pattern: str
    flags: str
    buffer: str | None
    relative: bool
    negated: bool


def expression(text: str) -> Expression:
    """Take apart what stands behind ``pcre:``. Names behind a comma keep what groups hold: they change nothing in what is found.

    Raises:
        RuleError: It is no expression.
        UnsupportedError: It has a flag that is not known.
    """
    if len(text) > LONGEST:
        raise RuleError("an expression that is too long")
    text = text.strip()
    negated = text.startswith("!")
    body = text[1:].strip() if negated else text
    if len(body) >= 2 and body[0] == body[-1] == '"':
        body = body[1:-1]
    found = _FORM.fullmatch(body)
    if found is None:
        raise RuleError(f"pcre {text[:60]!r} is no expression")
    pattern, letters = found[3].replace("\\;", ";").replace('\\"', '"'), found[4]
    buffers = [LETTERS[letter] for letter in letters if letter in LETTERS]
    unknown = [letter for letter in letters if letter not in LETTERS and letter not in _SELF]
    if unknown:
        raise UnsupportedError("pcre", f"the flag {unknown[0]} is not known")
    if len(set(buffers)) > 1:
        raise RuleError("pcre with two buffers")
    return Expression(
        pattern, letters, buffers[0] if buffers else None, "R" in letters, negated or found[1] == "!"
    )


@dataclass(slots=True)
class Pcre:
    """A search. `engine` is re2 or regex; `late` counts searches that ran out of time."""

    pattern: str
    flags: str
    relative: bool = False
    negated: bool = False
    late: int = 0
    _compiled: Any = field(default=None, repr=False)

    def places(self, view: View, at: int) -> Iterator[int]:
        """Every place where a match ends, the first one of each start."""
        start = at if self.relative else 0
        search = compiled(self.pattern, self.flags)
        found = self._search(search, view, start, start)
        if self.negated:
            if found is None:
                yield at
            return
        while found is not None:
            yield found[1]
            if found[0] + 1 > len(view.data) or "A" in self.flags:
                return
            found = self._search(search, view, found[0] + 1, start)

    def _search(self, search: Searcher, view: View, at: int, start: int) -> tuple[int, int] | None:
        try:
            return search.find(view.data, at, start)
        except TimeoutError:
            self.late += 1
            view.spent = True
            return None


class Searcher:
    """A compiled expression, in one engine or the other."""

    __slots__ = ("_anchored", "_compiled", "engine")

    def __init__(self, compiled: Any, engine: str, anchored: bool) -> None:
        self._compiled, self.engine, self._anchored = compiled, engine, anchored

    def group(self, data: bytes) -> bytes | None:
        """What the first group of the first match holds (the match itself where there is no group).

        Raises:
            TimeoutError: It took too long.
        """
        found = (
            self._compiled.search(data)
            if self.engine == "re2"
            else self._compiled.search(data[:MOST], timeout=TIMEOUT)
        )
        if found is None:
            return None
        return bytes(found.group(1) or b"") if found.re.groups else bytes(found.group(0))

    def find(self, data: bytes, at: int, start: int) -> tuple[int, int] | None:
        """The first match at or behind `at`, in the buffer that begins at `start`.

        Raises:
            TimeoutError: It took too long.
        """
        whole = data[start:] if start else data
        at -= start
        if self.engine == "re2":
            found = self._compiled.match(whole, at) if self._anchored else self._compiled.search(whole, at)
        else:
            whole = whole[:MOST]
            method = self._compiled.match if self._anchored else self._compiled.search
            found = method(whole, at, timeout=TIMEOUT)
        return None if found is None else (found.start() + start, found.end() + start)


@lru_cache(1 << 15)
def compiled(pattern: str, flags: str) -> Searcher:
    """The expression, ready to search.

    Raises:
        RuleError: It is no expression.
        UnsupportedError: Neither engine can say it.
    """
    own = "".join(letter for letter in "ismx" if letter in flags)
    anchored = "A" in flags
    raw = (
        pattern.encode("latin-1", "replace")
        if pattern.isascii()
        else pattern.encode("utf-8", "surrogateescape")
    )
    raw = _SHORT.sub(lambda found: rb"\x" + found[1].rjust(2, b"0"), raw)
    linear = _linear(raw, own, flags)
    if linear is not None:
        try:
            options = re2.Options()
            options.encoding, options.log_errors, options.max_mem = (
                re2.Options.Encoding.LATIN1,
                False,
                8 << 20,
            )
            return Searcher(re2.compile(linear, options), "re2", anchored)
        except re2.error:
            pass  # lookaround, back references and large counts: the other engine has them
    if "G" in flags:
        raise UnsupportedError("pcre", "ungreedy as a whole, in an expression that needs more than RE2")
    try:
        return Searcher(_free(raw, own, flags), "regex", anchored)
    except (regex.error, ValueError, RecursionError, OverflowError) as error:
        raise UnsupportedError("pcre", f"cannot be said here: {error}") from error


def _linear(raw: bytes, own: str, flags: str) -> bytes | None:
    """The pattern in RE2's words; None where these differ from PCRE's."""
    if "x" in own or rb"\K" in raw or rb"\G" in raw or b"(?<" in raw or b"(?=" in raw or b"(?!" in raw:
        return None
    translated = _ends(raw, "m" in own, "E" in flags)
    if translated is None:
        return None
    inside = "".join(letter for letter in own if letter in "ism") + ("U" if "G" in flags else "")
    return (b"(?" + inside.encode() + b")" if inside else b"") + translated


def _ends(raw: bytes, many: bool, strict: bool) -> bytes | None:
    r"""The pattern with PCRE's ``$`` (also before a last line feed), ``\h``, ``\R`` and ``\e`` said plainly."""
    made = bytearray()
    at, depth_class = 0, False
    while at < len(raw):
        letter = raw[at : at + 1]
        if letter == b"\\":
            pair = raw[at : at + 2]
            if pair in _SAID:
                if depth_class and pair != rb"\h":
                    return None
                made += _SAID[pair] if not depth_class else rb"\t "
            elif pair in _UNSAID:
                return None
            else:
                made += pair
            at += 2
            continue
        if depth_class:
            depth_class = letter != b"]"
        elif letter == b"[":
            depth_class = True
            skip = 2 if raw[at + 1 : at + 2] == b"^" else 1
            if raw[at + skip : at + skip + 1] == b"]":
                made += raw[at : at + skip] + rb"\]"
                at += skip + 1
                continue
        elif letter == b"$" and not many:
            made += rb"\z" if strict else rb"(?:\n?\z)"
            at += 1
            continue
        made += letter
        at += 1
    return bytes(made)


_SAID = {
    rb"\h": rb"[\t ]",
    rb"\R": rb"(?:\r\n|[\n\v\f\r\x85])",
    rb"\e": rb"\x1b",
    rb"\/": rb"/",
    rb"\Z": rb"(?:\n?\z)",
}
_UNSAID = frozenset((rb"\N", rb"\X", rb"\g", rb"\k", rb"\H", rb"\V"))


def _free(raw: bytes, own: str, flags: str) -> Any:
    letters = {"i": regex.IGNORECASE, "s": regex.DOTALL, "m": regex.MULTILINE, "x": regex.VERBOSE}
    value = regex.VERSION0
    for letter in own:
        value |= letters[letter]
    text = raw.replace(rb"\h", rb"[\t ]") if b"[" not in raw else raw
    if "E" in flags and "m" not in own:
        text = re.sub(rb"(?<!\\)\$$", rb"\\Z", text)
    return regex.compile(text, value)
