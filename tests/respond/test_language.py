"""Both languages say everything, with the same placeholders, and nothing is asked for that they do not have."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest

import kazami
from kazami.errors import UsageError
from kazami.model.attack import TACTICS
from kazami.model.finding import LEVELS
from kazami.respond.language import LANGUAGES, words

SOURCE = Path(kazami.__file__).parent
EN = words("en").texts

#: Keys that are put together where they are used.
MADE = (
    "entity.",
    "track.",
    "level.",
    "tactic.",
    "count.",
    "unit.",
    "state.",
    "column.",
    "table.",
    "summary.by_",
    "hunt.",
    "coverage.",
    "advice.",
    "likelihood.",
    "attribution.",
)


def comparable(lang: str) -> dict[str, str]:
    """The texts without singular forms, which not every language has."""
    return {key: text for key, text in words(lang).texts.items() if not key.endswith(".one")}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def sources() -> str:
    paths = [*SOURCE.glob("respond/**/*.py"), *SOURCE.glob("cli/*.py"), *SOURCE.glob("respond/**/*.html")]
    return "\n".join(path.read_text("utf-8") for path in paths)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_same_keys_and_placeholders(lang: str) -> None:
    texts = comparable(lang)
    assert set(texts) == set(comparable("en"))
    assert all(text.strip() for key, text in texts.items() if not key.startswith(("list.", "unit.")))
    assert {key: placeholders(text) for key, text in texts.items()} == {
        key: placeholders(text) for key, text in comparable("en").items()
    }


def test_catalogs_are_the_languages() -> None:
    here = {path.name for path in files("kazami.respond.language").iterdir() if path.name.endswith(".yaml")}
    assert here == {f"{lang}.yaml" for lang in LANGUAGES}


def test_every_key_asked_for_is_there_and_the_other_way_round() -> None:
    text = sources()
    asked = set(re.findall(r"""(?:\bt|language|words|\.marked)\(\s*"([a-z_]+\.[a-z_]+)["]""", text))
    nouns = set(re.findall(r"""\.count\(\s*"([a-z_]+)",""", text)) | set(
        re.findall(r'part\.more\([^"\n]*"(\w+)"', text)
    )
    assert len(asked) > 80
    assert asked <= set(EN)
    assert {f"count.{noun}.other" for noun in nouns} <= set(EN)
    unused = {key for key in EN if not key.startswith(MADE)} - asked
    assert {key for key in unused if f'"{key}"' not in text and f"'{key}'" not in text} == set()


def test_levels_and_tactics_have_words() -> None:
    for lang in LANGUAGES:
        language = words(lang)
        assert all(f"level.{level}" in language.texts for level in LEVELS)
        assert all(f"tactic.{tactic}" in language.texts for tactic in TACTICS)
        assert language.level("unheard-of") == language.level("informational")


def test_unknown_language() -> None:
    with pytest.raises(UsageError, match="en, ja"):
        words("tlh")


@pytest.mark.parametrize(
    ("lang", "number", "text"),
    [("en", 1, "1 finding"), ("en", 0, "0 findings"), ("en", 1203, "1,203 findings"), ("ja", 1, "検知 1 件")],
)
def test_counts(lang: str, number: int, text: str) -> None:
    assert words(lang).count("finding", number) == text


@pytest.mark.parametrize(
    ("seconds", "en", "ja"),
    [
        (0, "0 s", "0秒"),
        (48, "48 s", "48秒"),
        (60, "1 min", "1分"),
        (3_725, "1 h 2 min", "1時間2分"),
        (86_400 * 2 + 1, "2 d", "2日"),
        (31_556_952 * 5, "5 y", "5年"),
    ],
)
def test_durations(seconds: float, en: str, ja: str) -> None:
    assert words("en").duration(seconds) == en
    assert words("ja").duration(seconds) == ja


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2024-03-02T01:17:09.123456+00:00", "2024-03-02 01:17:09"),
        ("2024-03-02T01:17:09Z", "2024-03-02 01:17:09"),
        ("2024-03-02T10:17:09+09:00", "2024-03-02 01:17:09"),
        ("1601-01-01T00:00:00+00:00", "1601-01-01 00:00:00"),
        ("9999-12-31T23:59:59.999999+00:00", "9999-12-31 23:59:59"),
        (datetime(2024, 3, 2, tzinfo=UTC), "2024-03-02 00:00:00"),
        (None, "–"),
        ("yesterday", "–"),
        ("9999-12-31T23:59:59-05:00", "–"),
    ],
)
def test_times(time: datetime | str | None, text: str) -> None:
    assert words("en").time(time) == text


def test_marked_words_are_bold_and_values_are_text() -> None:
    said = words("en").marked("standout.rule", title="<b>\x1b", findings="*1*", first="{0}")
    assert said == "<strong>&lt;b&gt;\\x1b</strong>: *1*, first at {0}."


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9.1e13, "91.0 TB")]
)
def test_sizes(size: float, text: str) -> None:
    assert words("en").size(size) == text
