"""Tactics and techniques that the title of an alert speaks of."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

#: Characters of a title that are looked at.
LONGEST = 400


@lru_cache(65536)
def tags(title: str) -> tuple[str, ...]:
    """Sigma tags for an alert that names none itself: those of the first entry of ``vocabulary.yml`` that is found."""
    text = title[:LONGEST]
    return next((given for words, given in _entries() if words.search(text)), ())


@cache
def _entries() -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    text = files("kazami.detect.alert").joinpath("vocabulary.yml").read_text("utf-8")
    entries: list[dict[str, Any]] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader, ours
    return [
        (re.compile(entry["words"], re.IGNORECASE), tuple(f"attack.{tag}" for tag in entry["tags"]))
        for entry in entries
    ]
