"""Which rules a piece of bytes may concern: one automaton for each buffer, over the content of each rule that tells most.

A rule is found by one content that must be there. Contents that fill protocols (zeros, lengths) are left to a plain search, for
those rules only that are about the flow at hand; a rule without any content is asked each time. What the prefilter leaves out can
never be true: a property test holds it to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import ahocorasick_rs

from kazami.detect.network.suricata.buffers import BUFFERS
from kazami.detect.network.suricata.builder import PAYLOAD
from kazami.detect.network.suricata.rule import Rule
from kazami.detect.network.suricata.steps import Content

#: Bytes by which a rule is found at most: longer ones tell no more.
MOST = 32

#: What a content must tell to be sought by the automaton.
ENOUGH = 2.0

#: Bytes that fill protocols; a content of nothing else tells little.
_COMMON = frozenset((0, 1, 2, 3, 4, 5, 6, 8, 16, 32, 255))


#: What nearly every message of a protocol says; a content that is part of it tells nearly nothing.
_EVERYWHERE = (
    b"get post head http/1.1\r\n http/1.0\r\n \r\nhost: www. \r\nuser-agent: mozilla/4.0 (compatible; msie mozilla/5.0 (windows nt "
    b"\r\naccept: */*\r\n \r\naccept-encoding: gzip, deflate\r\n \r\naccept-language: en-us \r\nconnection: keep-alive\r\n \r\nconnection: close\r\n "
    b"\r\ncontent-type: application/x-www-form-urlencoded text/html \r\ncontent-length: \r\nreferer: http:// https:// \r\ncookie: \r\n\r\n "
    b"\r\ncache-control: no-cache\r\n http/1.1 200 ok\r\n .com .php .html .net .org \xffsmb \xfesmb <html> <script </script> <head> <body ssh-2.0- "
    b'\r\nserver: apache nginx\r\n \r\ntransfer-encoding: chunked\r\n </span> </title> <meta http-equiv="content-type" 200 404 agent'
)


class Choice(NamedTuple):
    """The buffer and the bytes (in lower case) by which a rule is found, and what they tell."""

    buffer: str
    pattern: bytes
    worth: float


def choose(rule: Rule) -> Choice | None:
    """By what a rule is found: what its author says, else the content that tells most; None where there is none."""
    best: tuple[float, Choice] | None = None
    for one in (*rule.payload, *rule.buffers):
        of_packet = one.buffer in BUFFERS and not BUFFERS[one.buffer].application
        if one.transforms or one.absent is not None or of_packet:
            continue
        for step in one.steps:
            if isinstance(step, Content) and not step.negated:
                pattern = _strongest(step.pattern.lower())
                worth = told(pattern)
                said = worth + (1.5 if step.fast and worth > 3 else 0)
                if best is None or said > best[0]:
                    best = said, Choice(one.buffer, pattern, worth)
    return None if best is None else best[1]


def _strongest(pattern: bytes) -> bytes:
    if len(pattern) <= MOST:
        return pattern
    starts = range(0, len(pattern) - MOST + 1, 8)
    return max((pattern[start : start + MOST] for start in starts), key=told)


def told(pattern: bytes) -> float:
    """How much a pattern tells: each of its distinct bytes counts, those that fill protocols little, repetitions less."""
    if pattern in _EVERYWHERE:
        return 0.5 + 0.02 * len(pattern)
    distinct = set(pattern)
    rare = len(distinct - _COMMON)
    again = sum(1 for letter in pattern if letter not in _COMMON) - rare
    return rare + 0.2 * (len(distinct) - rare) + 0.2 * again


class Finder:
    """Finds the rules of one buffer whose content is in some bytes."""

    __slots__ = ("_automaton", "_found", "_rules", "always", "gates", "size", "weak")

    def __init__(self, found: Iterable[tuple[Choice, Rule]], always: Sequence[Rule] = ()) -> None:
        self._found = tuple(found)
        self.gates = {rule.gate: rule for rule in (*(rule for _, rule in self._found), *always)}
        strong: dict[bytes, list[Rule]] = {}
        weak: list[tuple[bytes, Rule]] = []
        for choice, rule in self._found:
            if choice.worth >= ENOUGH:
                strong.setdefault(choice.pattern, []).append(rule)
            else:
                weak.append((choice.pattern, rule))
        self._rules = [tuple(rules) for rules in strong.values()]
        self.size = len(strong)
        self.weak, self.always = tuple(weak), tuple(always)
        kind = ahocorasick_rs.Implementation.ContiguousNFA
        self._automaton = (
            ahocorasick_rs.BytesAhoCorasick(list(strong), implementation=kind) if strong else None
        )

    def __bool__(self) -> bool:
        return self._automaton is not None or bool(self.weak) or bool(self.always)

    def only(self, gates: frozenset[int]) -> Finder:
        """One for the rules behind these gates."""
        found = [(choice, rule) for choice, rule in self._found if rule.gate in gates]
        return type(self)(found, [rule for rule in self.always if rule.gate in gates])

    def strong(self, lower: bytes) -> dict[Rule, int]:
        """Rules whose content the automaton finds (bytes are in lower case), with where it was last found to end."""
        if self._automaton is None:
            return {}
        hits = self._automaton.find_matches_as_indexes(lower, overlapping=True)
        if not hits:
            return {}
        rules = self._rules
        return {rule: hit[2] for hit in hits for rule in rules[hit[0]]}


class Unfiltered(Finder):
    """Asks every rule each time: what the prefilter is tested against."""

    __slots__ = ()

    def __init__(self, found: Iterable[tuple[Choice, Rule]], always: Sequence[Rule] = ()) -> None:
        super().__init__((), (*always, *(rule for _, rule in found)))


__all__ = ["PAYLOAD", "Choice", "Finder", "Unfiltered", "choose", "told"]
