"""Regular expressions: PCRE's meaning from both engines, in bounded time."""

from __future__ import annotations

import time

import pytest

from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.regexp import LONGEST, Backtracking, Linear, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "found"),
    [
        ("b", "", "abc", True),
        ("B", "", "abc", False),
        ("B", "i", "abc", True),
        ("É", "i", "été", True),
        ("a$", "", "ba\n", True),
        ("a$", "", "ba\nc", False),
        ("a$", "m", "ba\nc", True),
        ("(?m)a$", "", "ba\nc", True),
        (r"a\Z", "", "ba\n", True),
        (r"a\z", "", "ba\n", False),
        (r"a\Z", "m", "ba\nc", False),
        (r"a$\Z", "", "ba\n", True),
        (r"(?<!x)a\Z", "", "ba\n", True),
        (r"(?<!x)a\Z", "", "ba\nc", False),
        ("a$", "is", "bA\n", True),
        ("[$]a", "", "$a", True),
        (r"\$a", "", "$a", True),
        ("[]$]a", "", "$a", True),
        ("[^]$]a", "", "$a", False),
        ("[[:digit:]$]a", "", "$a", True),
        (r"\Qa$b\E", "", "a$b", True),
        ("a.b", "", "a\nb", False),
        ("a.b", "s", "a\nb", True),
        (r"^\w+$", "", "é", False),
        (r"^\d$", "", "٣", False),
        ("(?<!x)a", "", "xa", False),
        ("(?<!x)a$", "", "ya\n", True),
        (r"(?<=é)\w", "", "éa", True),
        (r"(a)\1", "", "aa", True),
        ("a{2,1500}", "", "aaa", True),
        ("(?i)AbC", "", "xabcx", True),
        ("", "", "", True),
        ("a", "", "\ud800a", True),
        ("(?=b)b", "", "\ud800b", True),
    ],
)
def test_search(pattern: str, flags: str, text: str, found: bool) -> None:
    assert compile_pattern(pattern, flags).search(text) is found


@pytest.mark.parametrize(
    ("pattern", "engine"), [("(a|b)*c", Linear), ("a(?=b)", Backtracking), (r"(a)\1", Backtracking)]
)
def test_engine(pattern: str, engine: type) -> None:
    assert isinstance(compile_pattern(pattern, ""), engine)


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a**b(",
        "[z-a]",
        r"\1",
        "x" * (LONGEST + 1),
        "((((a{1000}){1000}){1000}){1000})",
        "(?=a)" * 500,
        "(?:" * 500 + ")" * 499,
    ],
    ids=lambda pattern: pattern[:20],
)
def test_what_is_refused(pattern: str) -> None:
    with pytest.raises(Fault):
        compile_pattern(pattern, "")


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x"])
def test_catastrophes_are_none_for_re2(pattern: str) -> None:
    started = time.process_time()
    assert compile_pattern(pattern, "").search("a" * 5_000 + "b") is False
    assert time.process_time() - started < 5


def test_catastrophes_of_the_other_engine_end() -> None:
    searcher = compile_pattern(r"^(([a-z])+.)+[A-Z]([a-z])+\2(?=!)$", "")
    with pytest.raises(TimeoutError):
        searcher.search("a" * 5_000)
