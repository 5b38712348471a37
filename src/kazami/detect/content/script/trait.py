"""What a script says it does: patterns over its text and over the calls that a run of it recorded. The patterns are `pattern.yml`.

RE2 searches in time that grows with the text only; it is asked pattern by pattern, because its sets say "nothing" where they run out of memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kazami.errors import RuleError
from kazami.model.content import Feature

_FILE = Path(__file__).with_name("pattern.yml")
_KEYS = {"patterns", "languages", "where"}
_LOOKED = 4 << 20


@dataclass(frozen=True, slots=True)
class _Trait:
    name: str
    pattern: Any
    languages: frozenset[str]
    where: str


@cache
def _traits() -> tuple[_Trait, ...]:
    """All patterns. Raises RuleError where one cannot be meant."""
    import re2

    options = re2.Options()
    options.case_sensitive = False
    options.dot_nl = True
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    content = yaml.safe_load(_FILE.read_text("utf-8"))
    found: list[_Trait] = []
    for name, row in content.items():
        if set(row) - _KEYS or row.get("where", "both") not in ("both", "text", "call"):
            raise RuleError(
                str(_FILE), f"{name}: only {', '.join(sorted(_KEYS))}, and where as both, text or call"
            )
        for pattern in row["patterns"]:
            try:
                compiled = re2.compile(pattern.encode(), options)
            except re2.error as error:
                raise RuleError(str(_FILE), f"{name}: {error}") from error
            found.append(
                _Trait(name, compiled, frozenset(row.get("languages", ())), row.get("where", "both"))
            )
    return tuple(found)


def names() -> frozenset[str]:
    """Features that patterns give."""
    return frozenset(trait.name for trait in _traits())


def seen(text: str, language: str, where: str) -> Iterator[Feature]:
    """The features of a text, or of recorded calls (`where` is ``text`` or ``call``), the first place of each."""
    data = text.encode("utf-8", "replace")[:_LOOKED]
    known: set[str] = set()
    for trait in _traits():
        if trait.name in known or trait.where not in ("both", where):
            continue
        if trait.languages and language not in trait.languages:
            continue
        if match := trait.pattern.search(data):
            known.add(trait.name)
            yield _feature(trait.name, data, match.start(), match.end(), where)


def _feature(name: str, data: bytes, start: int, end: int, where: str) -> Feature:
    value = data[max(0, start - 20) : min(end + 80, start + 300)].decode("utf-8", "replace")
    value = " ".join(value.split())
    if where == "call":
        return Feature(name, value, "recorded call", confidence="high")
    return Feature(name, value, offset=start)
