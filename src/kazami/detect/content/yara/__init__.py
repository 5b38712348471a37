"""YARA rules over every file and all that comes out of it: those of the packs, and those that the user brings.

What a rule means is its author's word: level and title come from its metadata, and author, licence and reference go into the proof,
as the Detection Rule License asks. YARA-X holds Python's lock while it scans; work is done in caged processes, so nobody waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from kazami.detect.content.identify import extension
from kazami.detect.content.meaning import meanings
from kazami.detect.content.yara import collection, compiled
from kazami.detect.content.yara.compiled import RuleSet
from kazami.detect.content.yara.words import words
from kazami.model.content import Analysis, Feature, Gap, Scope

MEANINGS = meanings(__file__)
NEEDS = {"yara_x": "what YARA rules match"}
#: Rules may ask for the name.
BY_NAME = True

_PATTERNS = 4  # shown of one rule
_BYTES = 24  # shown of one match
#: Kinds as published rules call them in `filetype`, where that is not the kind in capitals.
_TYPES = {
    "pe": "EXE",
    "macho": "MACH-O",
    "batch": "BATCH",
    "python": "Python",
    "vbscript": "VBS",
    "minidump": "MDMP",
}

Settings = Mapping[str, Sequence[str]]


def confidence(head: bytes, name: str) -> float:
    """Everything is looked at."""
    return 1.0 if head else 0.0


def rule_set(settings: Settings, *, fresh: bool = False) -> RuleSet:
    """The rules of a run: ``yara.rules`` where the operator's settings were given, else those of the packs.

    With `fresh` it is looked whether they have changed.
    """
    paths = settings.get("yara.rules")
    cache = next(iter(settings.get("yara.cache", ())), "")
    named = collection.shipped() if paths is None else [Path(path) for path in paths]
    return compiled.load(named, Path(cache) if cache else None, fresh=fresh)


def version(settings: Settings) -> str:
    """Changes when a rule does; loads the rules, so that workers which are forked then have them."""
    try:
        return rule_set(settings, fresh=True).version
    except ImportError:
        return ""


def by_folder(settings: Settings) -> bool:
    """Whether a rule asks in which folder a file lies."""
    try:
        return rule_set(settings).by_folder
    except ImportError:
        return False


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What matches, where, and the bytes there."""
    import yara_x

    rules = rule_set(scope.settings)
    if rules.rules is None:
        return Analysis()
    scanner = _scanner(rules.version, os.getpid(), rules.rules)
    for name, value in _externals(scope).items():
        scanner.set_global(name, value)
    seconds = max(1, int(scope.limits.seconds) - 1)  # before the alarm, which cannot ring while it scans
    scanner.set_timeout(seconds)
    try:
        found = scanner.scan(data)
    except yara_x.TimeoutError:
        return Analysis(gaps=(Gap("time", f"YARA rules took more than {seconds} s"),))
    return Analysis(tuple(_features(found.matching_rules, rules, data)))


@lru_cache(1)
def _scanner(version: str, process: int, rules: Any) -> Any:
    """One scanner a process: what it starts for its time limit does not live through a fork."""
    import yara_x

    scanner = yara_x.Scanner(rules)
    scanner.fast_scan(True)  # the first place of each pattern is enough as proof
    return scanner


def _externals(scope: Scope) -> dict[str, str]:
    ending = extension(scope.name)
    values = {
        "filename": scope.name,
        "filepath": scope.folder,
        "extension": f".{ending}" if ending else "",
        "filetype": _TYPES.get(scope.kind, scope.kind.upper()),
        "owner": "",
    }
    return {name: value.encode("utf-8", "replace").decode() for name, value in values.items()}


def _features(matching: Sequence[Any], rules: RuleSet, data: bytes) -> Iterator[Feature]:
    for rule in matching:
        file = rules.files.get(rule.namespace)
        said = words(rule.identifier, rule.metadata, rule.tags, file.license if file else "")
        places = sorted((match.offset, match.length, pattern.identifier) for pattern in rule.patterns for match in pattern.matches)  # fmt: skip
        yield Feature(
            "yara.match",
            value="; ".join([rule.identifier, *_shown(places, data)]),
            offset=places[0][0] if places else None,
            title=said.title,
            rule=f"yara:{Path(rule.namespace).stem}:{rule.identifier}",
            level=said.level,
            confidence=said.confidence,
            techniques=said.techniques,
            author=said.author,
            license=said.license,
            references=said.references,
        )


def _shown(places: Sequence[tuple[int, int, str]], data: bytes) -> Iterator[str]:
    """The first place of the first patterns: identifier, offset, bytes."""
    first = {name: (offset, length) for offset, length, name in reversed(places)}
    for name, (offset, length) in sorted(first.items(), key=lambda one: one[1])[:_PATTERNS]:
        piece = data[offset : offset + min(length, _BYTES)]
        shown = (
            piece.decode("ascii")
            if piece.isascii() and piece.decode("ascii").isprintable()
            else piece.hex(" ")
        )
        yield f"{name} at {offset:#x}: {shown}{'...' if length > _BYTES else ''}"
    if len(first) > _PATTERNS:
        yield f"{len(first) - _PATTERNS} more patterns"
