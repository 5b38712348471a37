"""What the metadata of a rule says for people: title, level, author, licence, reference, techniques.

YARA leaves metadata free; the names are those of published collections, what they are worth stands in ``scale.yml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kazami.model.content import CONFIDENCES

#: Techniques, and software: what a rule recognizes speaks in attribution.
_TECHNIQUE = re.compile(r"\b(?:T\d{4}(?:\.\d{3})?|S\d{4})\b")
_TACTIC_KEYS = re.compile(r"technique|mitre|att_?ck|ttp", re.IGNORECASE)
_SHOWN = 300  # characters of one text


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one rule; what it does not say is empty."""

    title: str
    level: str
    confidence: str = ""
    author: str = ""
    license: str = ""
    references: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()


def words(name: str, metadata: Iterable[tuple[str, Any]], tags: Iterable[str] = (), terms: str = "") -> Words:
    """The words of the rule `name`; `terms` is the licence of the collection, for rules that name none."""
    said: dict[str, list[str]] = {}
    for key, value in metadata:
        said.setdefault(str(key).lower(), []).append(" ".join(str(value).split())[:_SHOWN])
    confidence = _first(said, "confidence").lower()
    spoken = [text for key, texts in said.items() if _TACTIC_KEYS.search(key) for text in texts]
    found = (
        match for text in (*spoken, *tags) for match in _TECHNIQUE.findall(text.replace("_", ".").upper())
    )
    return Words(
        title=_first(said, "description") or _first(said, "desc") or name,
        level=level(said),
        confidence=confidence if confidence in CONFIDENCES else "",
        author=", ".join(said.get("author", ())),
        license=_first(said, "license") or _first(said, "licence") or terms,
        references=tuple(
            text for key in ("reference", "references", "ref", "url") for text in said.get(key, ())
        ),
        techniques=tuple(dict.fromkeys(found)),
    )


def level(said: Mapping[str, list[str]]) -> str:
    """The level of a rule: by a word, else by its score, else by the customary score of rules that say nothing."""
    scale = _scale()
    for key in scale["named"]:
        if (word := _first(said, key).lower()) in scale["levels"]:
            return str(scale["levels"][word])
    try:
        score = float(_first(said, "score") or scale["default"])
    except ValueError:
        score = float(scale["default"])
    steps: Mapping[int, str] = scale["scores"]
    return next((steps[least] for least in sorted(steps, reverse=True) if score >= least), "informational")


def _first(said: Mapping[str, list[str]], key: str) -> str:
    return said.get(key, [""])[0]


@cache
def _scale() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("scale.yml").read_text("utf-8"))
    return content
