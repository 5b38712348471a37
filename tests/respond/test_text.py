"""What text of an event looks like when it is shown."""

from __future__ import annotations

import json
import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.respond.text import safe, safe_json, safe_lines, shorten

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("日本語　全角", "日本語　全角"),
        ("C:\\Users\\ü", "C:\\Users\\ü"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"),
        ("\x9b2J", "\\x9b2J"),
        ("e\u202exe", "e\\u202exe"),
        ("\u200b\ufeff\u00ad", "\\u200b\\ufeff\\xad"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("\ue000", "\\ue000"),
        ("\xa0", "\xa0"),
    ],
)
def test_safe(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_lines_keep_line_feeds_and_tabs() -> None:
    assert safe_lines("a\r\nb\n\tc\rd\x00") == "a\nb\n\tc\\x0dd\\x00"


@given(ANYTHING)
def test_nothing_active_is_left(text: str) -> None:
    shown = safe(text)
    assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in shown)
    assert safe(shown) == shown
    assert set(safe_lines(text)) <= set(shown) | {"\n", "\t"} | set(safe_lines(text)) & set(
        safe(safe_lines(text))
    )


@given(st.dictionaries(ANYTHING, ANYTHING | st.integers() | st.lists(ANYTHING), max_size=4))
def test_json_means_the_same_and_is_printable(value: dict[str, object]) -> None:
    line = json.dumps(value, ensure_ascii=False)
    assert json.loads(safe_json(line)) == value
    assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in safe_json(line))


def test_json_of_astral_characters_is_a_pair() -> None:
    line = safe_json(orjson.dumps("\U000e0041\x7f").decode())
    assert line == '"\\udb40\\udc41\\u007f"'
    assert orjson.loads(line) == "\U000e0041\x7f"


def test_shorten() -> None:
    assert shorten("abc", 3) == ("abc", 0)
    assert shorten("abcd", 3) == ("abc", 1)
