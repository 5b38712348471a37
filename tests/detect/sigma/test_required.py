"""A literal is required only where no match can be without it: else a rule would be blind to some of what it means."""

from __future__ import annotations

import contextlib
import re
import unicodedata
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import re2
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.regexp import compile_pattern
from kazami.detect.sigma.required import MOST, required

#: A pattern, and a text that it is meant to be found in.
Pair = tuple[str, str]

#: Characters whose case is not a matter of ASCII: sharp s, dotted and dotless i, Kelvin sign, long s, final sigma,
#: ligatures, a titlecase letter, a letter without case, an accent of its own.
ODD = "ßẞİıKſςσΣﬁﬆǅ日éÉe\u0301Ⅷⓐ\u0345"
LETTERS = st.sampled_from([*"abckisABCKIS01_-. /", *ODD])
WORDS = st.sampled_from(
    ["evil", "abc", "Kiss", "STRASSE", "straße", "mimikatz", "İis", "日本語", "xyz", "ſK"]
)
CLASSES: list[Pair] = [
    (r"\d", "7"), (r"\w", "k"), (r"\s", " "), (".", "Q"), ("[a-z]", "m"), ("[^x]", "Y"), ("[K]", "k"), ("[abc]", "b"),
    ("[[:alpha:]]", "z"), ("[[:^digit:]]", "z"), ("[a[:digit:]]", "5"), ("[]x]", "]"), (r"[\]\\]", "]"), ("[[a]", "["),
]  # fmt: skip
EMPTY: list[Pair] = [
    ("", ""), ("^", ""), ("$", ""), (r"\b", ""), (r"\B", ""), (r"\A", ""), (r"\Z", ""), ("()", ""), ("(?:|)", ""),
    ("(?=)", ""), ("(?!z{9})", ""), ("(?<!z{9})", ""), ("(?#evil words)", ""),
]  # fmt: skip


def escaped(text: str) -> str:
    """The text as a pattern; spaces escaped too, for verbose mode."""
    return re.sub(r"([^\w]|_)", r"\\\1", text) if text.isascii() else re.escape(text)


def repeated(pair: Pair, count: tuple[str, int]) -> Pair:
    return f"(?:{pair[0]}){count[0]}", pair[1] * count[1]


COUNTS: list[tuple[str, int]] = [
    ("?", 0), ("?", 1), ("*", 0), ("*", 2), ("+", 1), ("+?", 2), ("*?", 0), ("??", 0), ("{0}", 0), ("{1}", 1),
    ("{0,}", 0), ("{1,}", 2), ("{2}", 2), ("{0,2}", 1), ("{2,3}", 3), ("{,2}", 0), ("{,2}", 1), ("++", 1), ("*+", 0),
    ("?+", 0), ("{e<=1}", 1), ("{i}", 1), ("{e<=2}", 0), ("{1,2}+", 1),
]  # fmt: skip
GROUPS = [
    "({})",
    "(?:{})",
    "(?P<n{n}>{})",
    "(?>{})",
    "(?i:{})",
    "(?s:{})",
    "(?i-s:{})",
    "(?-i:{})",
    "(?x: {} )",
]
AROUND: list[tuple[str, Callable[[Pair], Pair]]] = [
    ("ahead", lambda p: (f"(?={p[0]})", p[1])),
    ("ahead, alone", lambda p: (f"(?={p[0]})", "")),
    ("not ahead", lambda p: (f"(?!{p[0]})", "")),
    ("behind", lambda p: (f"(?<={p[0]})", "")),
    ("not behind", lambda p: (f"(?<!{p[0]})", "")),
    ("again", lambda p: (rf"(?P<g>{p[0]})(?P=g)", p[1] * 2)),
    ("again by number", lambda p: (rf"({p[0]})\1", p[1] * 2)),
    ("if, yes", lambda p: (rf"(a)?(?(1){p[0]}|evil)", f"a{p[1]}")),
    ("if, no", lambda p: (rf"(a)?(?(1)evil|{p[0]})", p[1])),
]


def larger(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    several = st.lists(inner, min_size=1, max_size=4)
    return st.one_of(
        several.map(lambda ps: ("".join(p for p, _ in ps), "".join(t for _, t in ps))),
        st.builds(
            lambda ps, at: ("(?:" + "|".join(p for p, _ in ps) + ")", ps[at % len(ps)][1]),
            several,
            st.integers(0, 3),
        ),
        st.builds(repeated, inner, st.sampled_from(COUNTS)),
        st.builds(
            lambda p, form, n: (form.replace("{n}", str(n)).replace("{}", p[0]), p[1]),
            inner,
            st.sampled_from(GROUPS),
            st.integers(0, 999),
        ),
        st.builds(lambda p, form: form[1](p), inner, st.sampled_from(AROUND)),
    )


TEXT = st.one_of(WORDS, st.lists(LETTERS, min_size=1, max_size=4).map("".join))
LEAVES = st.one_of(
    TEXT.map(lambda t: (escaped(t), t)),
    TEXT.map(lambda t: (escaped(t), t)),
    st.sampled_from(CLASSES),
    st.sampled_from(EMPTY),
)
PATTERNS = st.builds(
    lambda pair, before, after: (before + pair[0] + after, pair[1]),
    st.recursive(LEAVES, larger, max_leaves=8),
    st.sampled_from(["", "", "", "(?i)", "(?x)", "(?x) ", "(?is)", "^", "a|", "(?V1)", "(?f)(?i)"]),
    st.sampled_from(["", "", "", "$", "|", "|evil", "(?i)", "|(?i)evil", "# evil", "\n  evil", "[", "{2", "{,3}"]),
)  # fmt: skip

CASES: list[Callable[[str], str]] = [
    str, str.upper, str.lower, str.swapcase, str.casefold, str.title,
    lambda t: t.replace("k", "K").replace("s", "ſ").replace("i", "İ"),
    lambda t: t.replace("K", "K").replace("S", "ſ").replace("I", "ı").replace("SS", "ß"),
    lambda t: unicodedata.normalize("NFKD", t),
]  # fmt: skip
TEXTS = st.sampled_from(["", "", "a", "evi", "evol", "x" * 20, "]", "\n", "ſ"])


def engines(pattern: str, flags: str) -> list[tuple[str, Callable[[str], Any]]]:
    """Every engine that takes the pattern; letters mean ASCII where the pattern is ASCII, as `regexp` has it."""
    found: list[tuple[str, Callable[[str], Any]]] = []
    with contextlib.suppress(Fault):
        found.append(("ours", compile_pattern(pattern, flags).search))
    if re.search(r"\(\?V1\)|\{[ei]|\[\[?a?\[:", pattern):
        return found  # Python's own engine reads these its own way
    for name, engine in (("re", re), ("regex", regex)):
        bits = sum(getattr(engine, flag.upper()) for flag in flags)
        with contextlib.suppress(re.error, regex.error, OverflowError, ValueError):
            found.append((name, engine.compile(pattern, bits | engine.ASCII * pattern.isascii()).search))
    return found


def misses(pattern: str, flags: str, text: str) -> list[str]:
    """Engines that find the pattern in a text which has none of the literals it requires."""
    literals = required(pattern)
    if literals is None:
        return []
    folded = text.casefold()
    if any(literal in folded for literal in literals):
        return []
    return [name for name, search in engines(pattern, flags) if search(text)]


def hold(pair: Pair, flags: str, before: str, after: str) -> None:
    pattern, example = pair
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in {before, *(before + change(example) + after for change in CASES)}:
            assert misses(pattern, flags, text) == [], (pattern, flags, text, required(pattern))


FLAGS = st.sampled_from(["", "i", "s", "im", "ims"])
MANY = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(MANY, max_examples=500)
@given(PATTERNS, FLAGS, TEXTS, TEXTS)
def test_whatever_is_found_has_a_literal_that_is_required(
    pair: Pair, flags: str, before: str, after: str
) -> None:
    hold(pair, flags, before, after)


@pytest.mark.slow
@settings(MANY, max_examples=5000)
@given(PATTERNS, FLAGS, TEXTS, TEXTS)
def test_it_has_it_in_many_more_patterns(pair: Pair, flags: str, before: str, after: str) -> None:
    hold(pair, flags, before, after)


@settings(max_examples=500, deadline=None)
@given(
    st.text(alphabet="ab|()[]?*+{}0,1\\.^$<>=!:iPx-& \n#kK日", max_size=14),
    st.text(alphabet="abk日]{0,1}", max_size=6),
)
def test_nor_does_what_nobody_would_write_require_too_much(pattern: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        literals = required(pattern)
        try:
            search = compile_pattern(pattern, "i").search
        except Fault:
            return
        if literals is not None and search(text):
            assert any(literal in text.casefold() for literal in literals)


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        ("powershell", {"powershell"}),
        ("(?i)PowerShell", {"powershell"}),
        (r"\\cmd\.exe", {"\\cmd.exe"}),
        ("(?:certutil|bitsadmin)[ /]", {"certutil", "bitsadmin"}),
        ("ab(?:c|d)efg", {"efg"}),
        ("abc(?:longer one)?def", {"abc"}),
        ("(?:evil){2,}", {"evil"}),
        ("abc|", None),
        ("abc|.", None),
        ("(?:evil)*", None),
        ("(?:evil){0,}", None),
        ("(?:evil)?x", None),
        ("ab", None),
        ("(?=evil)", None),
        ("(?<!evil)x", None),
        ("(?x) e v i l  # comment", {"evil"}),
        (r"(evil)\1", {"evil"}),
        ("[[:alpha:]]evil", None),
        ("(?:evil){e<=1}", None),
        ("日本語", {"日本語"}),
        ("straße", {"stra"}),
        ("(?:été)s?", None),
        ("|".join(f"{n:03d}word" for n in range(MOST + 1)), None),
        ("word1|word2", {"word"}),
        ("a(", None),
        (r"\p{Lu}evil", None),
        ("", None),
    ],
)
def test_what_is_required(pattern: str, literals: set[str] | None) -> None:
    found = required(pattern)
    assert found == (None if literals is None else frozenset(literals))


def test_every_letter_that_an_engine_takes_for_another_is_folded_alike_or_left_out() -> None:
    cased = [
        c for c in map(chr, (*range(0xD800), *range(0xE000, 0x110000))) if c.casefold() != c or c.upper() != c
    ]
    whole = "".join(cased)
    both = re2.compile("(?i)" + re2.escape(whole[0]))
    assert both.groups == 0
    for letter in cased:
        needed = required(letter * 3)
        if needed is None:
            continue
        (literal,) = needed
        found = {m.decode() for m in re2.compile("(?i)" + letter).findall(whole.encode())}
        found |= set(regex.compile(letter, regex.I | regex.ASCII).findall(whole))
        assert all(other.casefold() * 3 == literal for other in found), letter
    assert required("kkk") == {"kkk"}
    assert required("iii") == {"iii"}
    assert required("iiié") is None


@pytest.mark.parametrize("form", ["(?:a|{})", "({})", "(?:{})?", "(?:{})+", "(?=a{})"])
def test_deep_nesting_is_no_error(form: str) -> None:
    for depth in (10, 200, 330, 450, 900, 3000):
        pattern = "evil"
        for _ in range(depth):
            pattern = form.replace("{}", pattern)
        assert required(pattern) in (None, frozenset({"evil"}))


def test_nothing_is_said_aloud(recwarn: pytest.WarningsRecorder) -> None:
    assert required("evil[[x]") == {"evil"}
    assert required("evil[a||b]") == {"evil"}
    assert not recwarn.list
