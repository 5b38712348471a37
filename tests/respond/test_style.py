"""Colors that can be read: WCAG 2.1 AA, 4.5 to 1 for text, in both themes and in print."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLE = files("kazami.respond.report").joinpath("style.css").read_text("utf-8")
THEMES = [
    dict(re.findall(r"--([\w-]+): (#\w+)", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
]


def luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("number", range(3))
def test_text_can_be_read(number: int) -> None:
    theme = THEMES[number]
    pairs = [(ink, ground) for ink in ("ink", "soft", "link", "good", "bad") for ground in ("bg", "panel")]
    pairs += [(f"{level}-ink", level) for level in ("critical", "high", "medium", "low", "informational")]
    assert {
        pair: contrast(theme[pair[0]], theme[pair[1]])
        for pair in pairs
        if contrast(theme[pair[0]], theme[pair[1]]) < 4.5
    } == {}


@pytest.mark.parametrize("number", range(3))
def test_bars_stand_out_from_the_ground(number: int) -> None:
    theme = THEMES[number]
    for level in ("critical", "high", "medium", "low", "informational"):
        assert contrast(theme[level], theme["bg"]) > 1.7


def test_style_fetches_nothing() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "</" not in STYLE
