"""What a path is: a driver, a page of a web server, a setting of an account. From ``place.yml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import re2
import yaml

#: What is none of the others.
PLAIN = "file"


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of place: `entries` says how the lines of such a file are read, "" for not at all."""

    kind: str
    entries: str = ""


@cache
def _places() -> tuple[Any, list[Place]]:
    """All patterns as one automaton, and the place that each stands for, in their order."""
    rows = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text("utf-8"))
    patterns, places = re2.Set.SearchSet(), []
    for row in rows:
        for path in row["paths"]:
            patterns.Add(path)
            places.append(Place(row["kind"], row.get("entries", "")))
    patterns.Compile()
    return patterns, places


@cache
def kinds() -> frozenset[str]:
    """All kinds there are."""
    return frozenset((*(place.kind for place in _places()[1]), PLAIN))


def place(path: str) -> Place:
    """What the path below the root is; its separators are slashes."""
    patterns, places = _places()
    found = patterns.Match(path.lower())
    return places[min(found)] if found else Place(PLAIN)
