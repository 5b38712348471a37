"""Small files that Windows acts on when they are opened, or only shown: settings, libraries, searches, consoles, queries, registry scripts.

Each is a few lines of text that name what is started or where it lies; `handler_patterns.yml` has what is looked for, for which kinds.
"""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path

import yaml

from kazami.detect.content.identify import kind
from kazami.detect.content.identify.text import plain
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Feature, Scope

MEANINGS = meanings(__file__)

_KINDS = frozenset(("handler", "reg", "iqy", "inf", "url"))
_LOOKED = 1 << 20


def confidence(head: bytes, name: str) -> float:
    """Is one of these by its first words."""
    return 1.0 if kind(head, name) in _KINDS else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What it starts, and where that lies."""
    text = html.unescape((plain(data[:_LOOKED]) or data[:_LOOKED]).decode("utf-8", "replace"))
    features = []
    for name, pattern in _patterns():
        if match := pattern.search(text):
            features.append(Feature(name, " ".join(match[0].split())[:400], offset=match.start()))
    return Analysis(tuple(features))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = yaml.safe_load(Path(__file__).with_name("handler_patterns.yml").read_text("utf-8"))
    return tuple((name, re.compile(pattern, re.IGNORECASE | re.MULTILINE)) for name, pattern in rows.items())
