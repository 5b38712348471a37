"""Which source reads a piece of evidence."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from kazami.plugins import Extension
from kazami.sources.identify import identify


def source(name: str, confidence: Callable[[str, bytes], float] | float) -> Extension:
    look = confidence if callable(confidence) else lambda *_: confidence
    return Extension("kazami.sources", name, name, SimpleNamespace(confidence=look))


@pytest.mark.parametrize(
    ("sure", "best"),
    [
        ((0.3, 0.9, 0.5), "b"),
        ((0.5, 0.5, 0.1), "a"),
        ((0.2, 0.0, 0.2), "a"),
        ((0.19, 0.0, 0.1), ""),
        ((float("nan"), 0.4, 0.0), "b"),
    ],
)
def test_the_surest_source_wins_and_the_first_of_equals(sure: tuple[float, ...], best: str) -> None:
    sources = [source(name, value) for name, value in zip("abc", sure, strict=True)]
    assert identify("x.log", b"text", sources)[0] == best


def test_name_and_head_are_handed_on() -> None:
    seen = []
    identify("n", b"h", [source("a", lambda name, head: bool(seen.append((name, head))))])
    assert seen == [("n", b"h")]


def test_a_source_that_fails_is_named_and_the_others_count() -> None:
    broken = source("broken", lambda *_: 1 / 0)
    unloadable = Extension("kazami.sources", "absent", "absent", None, "ImportError: no")
    assert identify("x", b"text", [broken, unloadable, source("good", 0.5)]) == (
        "good",
        "the source broken failed to look at it: ZeroDivisionError: division by zero",
    )
    found, note = identify("x", b"text", [broken])
    assert found == ""
    assert note.startswith("not evidence: text of no known form; the source broken failed")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "empty"),
        (b"MZ\x90\0\x03", "Windows program"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"\x30\0\0\0LfLe", "EVT"),
        (b"Rar!\x1a\x07\x01\0", "RAR"),
        (bytes(4096), "nothing but zeros"),
        (b"\x01\x02\0\x03", "binary data"),
        (b"Dear all,\n", "text of no known form"),
        (b"MZ is not enough of a mark in a text", "text of no known form"),
    ],
)
def test_what_is_no_evidence_is_said_to_be(head: bytes, words: str) -> None:
    found, note = identify("x", head, [source("a", 0.0)])
    assert found == ""
    assert words in note


@pytest.mark.parametrize(("sure", "best"), [(0.45, ""), (0.9, "a")])
def test_the_mark_of_another_format_beats_a_guess(sure: float, best: str) -> None:
    assert identify("x", b"{\\rtf1 text}", [source("a", sure)])[0] == best
    assert identify("x", b"BMName,x", [source("a", sure)])[0] == "a"
