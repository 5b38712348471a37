"""YARA rules of a run: those of its packs, of the settings and of the command, told to the analyzer as settings are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kazami import packs
from kazami.config import Settings
from kazami.detect.content import yara
from kazami.detect.content.yara.compiled import RuleSet
from kazami.errors import UsageError

_NAMED = 5  # rejected rules that a note names


def content(
    settings: Settings, paths: Sequence[Path] = (), chosen: Sequence[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """The settings of content with rule files and the folder that keeps compiled ones.

    `chosen` are the packs that are used, for None those of the settings. Raises UsageError where a path is not there.
    """
    for path in (*settings.yara, *paths):
        if not path.exists():
            raise UsageError(f"{path}: there are no YARA rules: no such file or folder")
    folders = packs.choose(chosen if chosen is not None else settings.packs).yara
    rules = tuple(str(path.absolute()) for path in (*folders, *settings.yara, *paths))
    return {**settings.content, "yara.rules": rules, "yara.cache": (str(settings.cache),)}


def loaded(told: Mapping[str, Sequence[str]]) -> RuleSet | None:
    """The rules that are used with these settings of content; None without YARA-X."""
    try:
        return yara.rule_set(told)
    except ImportError:
        return None


def notes(told: Mapping[str, Sequence[str]]) -> list[str]:
    """What people are to know of rules that do not load."""
    rules = loaded(told)
    if rules is None or not rules.rejected:
        return []
    named = "; ".join(f"{one.title or one.path}: {one.reason}" for one in rules.rejected[:_NAMED])
    more = f"; and {len(rules.rejected) - _NAMED:,} more" if len(rules.rejected) > _NAMED else ""
    return [f"{len(rules.rejected):,} YARA rules do not load (kazami rules check names all): {named}{more}"]
