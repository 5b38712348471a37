"""How much a change matters: by what it is of, by signs in its facts, and by what is known of the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import yaml

from kazami.model.change import Change
from kazami.model.event import LogSource
from kazami.model.rule import RuleInfo

_SPACE = UUID("7f0c5a64-1d0e-5f6e-9a41-2f3a7d9b6c22")

#: What is known of a file, and the least score (else the most) that this gives a change of it.
_RAISES = {"malicious": 96, "bad": 98, "suspicious": 75, "unwanted": 60, "tool": 60}
_LOWERS = {"good": 15}
#: The sign of a file whose content changed and whose time did not move on, and the least score that it gives.
_TIME_KEPT, _KEPT = "time-kept", 70


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    kind: str
    what: str
    when: tuple[tuple[str, re.Pattern[str]], ...]
    score: int
    techniques: tuple[str, ...]
    title: Mapping[str, str]


@cache
def _said() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("change.yml").read_text("utf-8"))
    return found


@cache
def _rules() -> dict[str, _Rule]:
    """By their ids: ``driver.new``, ``driver.new.unsigned``; a rule of no kind is one of each kind."""
    found: dict[str, _Rule] = {}
    said = _said()
    for row in said["rules"]:
        for kind in [row["kind"]] if "kind" in row else said["kinds"]:
            name = ".".join(filter(None, (kind, row["what"], row.get("name", ""))))
            when = tuple((fact, re.compile(pattern)) for fact, pattern in row.get("when", {}).items())
            title = row.get("title") or _title(kind, row["what"])
            found.setdefault(
                name, _Rule(name, kind, row["what"], when, row["score"], tuple(row["techniques"]), title)
            )
    return found


@cache
def _by_kind() -> dict[tuple[str, str], list[_Rule]]:
    found: dict[tuple[str, str], list[_Rule]] = {}
    for rule in _rules().values():
        found.setdefault((rule.kind, rule.what), []).append(rule)
    return found


def _title(kind: str, what: str) -> dict[str, str]:
    said = _said()
    return {lang: said["words"][what][lang].format(said["kinds"][kind][lang]) for lang in ("en", "ja")}


def ranked(changes: Iterable[Change], verdicts: Mapping[str, str] | None = None) -> list[Change]:
    """The changes with rule, score and level, the gravest first; `verdicts` are words on files by SHA-256: bad, good, malicious ..."""
    judged = [_ranked(change, verdicts or {}) for change in changes]
    return sorted(judged, key=lambda one: (-one.score, one.item.host, one.item.kind, one.item.name))


def _ranked(change: Change, verdicts: Mapping[str, str]) -> Change:
    facts = {**change.item.facts, "name": change.item.name}
    rule = next(
        rule
        for rule in _by_kind()[change.item.kind if change.item.kind in _said()["kinds"] else "file", change.what]
        if all(pattern.search(facts.get(fact, "")) for fact, pattern in rule.when)
    )  # fmt: skip
    signs = [] if change.what == "removed" else [row for row in _said()["signs"] if _shows(row, change)]
    score = min(rule.score + sum(row["score"] for row in signs), 95) if rule.score else 0
    names = [row["name"] for row in signs]
    if _backdated(change):
        names.append(_TIME_KEPT)
        score = max(score, _KEPT)
    verdict = verdicts.get(facts.get("sha256", ""), "") if change.what != "removed" else ""
    score = min(max(score, _RAISES.get(verdict, 0)), _LOWERS.get(verdict, 100))
    return replace(change, rule=rule.id, score=score, level=level(score), verdict=verdict, signs=tuple(names))


def _shows(row: Mapping[str, Any], change: Change) -> bool:
    """Whether a sign is there that was not there before."""
    facts, before = change.item.facts, change.before.facts if change.before else {}
    if "unless" in row and re.search(row["unless"], facts.get("type", "")):
        return False
    names = facts if row["fact"] == "*" else (row["fact"],)
    texts = [facts.get(name, "") for name in names if facts.get(name) != before.get(name)]
    if row["fact"] == "*" and facts.get("type") == "entry" and change.what == "new":
        texts.append(change.item.name.partition(": ")[2])
    return any(re.search(row["pattern"], text) for text in texts)


def _backdated(change: Change) -> bool:
    """Whether a file's content changed and its own time did not move on."""
    item, before = change.item, change.before
    if change.what != "altered" or before is None or item.kind in ("log", "registry"):
        return False
    if item.facts.get("type") != "file" or "sha256" not in change.differing:
        return False
    return item.time is not None and before.time is not None and item.time <= before.time


def level(score: int) -> str:
    """The level of a score."""
    return str(next(name for name, least in _said()["levels"].items() if score >= least))


def title(change: Change, lang: str) -> str:
    """What a change is called."""
    return _rules()[change.rule].title[lang]


def signs(change: Change, lang: str) -> list[str]:
    """The signs of a change in words."""
    said = {row["name"]: row[lang] for row in (*_said()["signs"], _said()[_TIME_KEPT])}
    return [said[name] for name in change.signs]


def info(change: Change) -> RuleInfo:
    """The rule of a change in the words of findings."""
    rule = _rules()[change.rule]
    words = repr((rule.id, rule.score, rule.techniques, sorted(rule.title.items()), change.level))
    return RuleInfo(
        id=str(uuid5(_SPACE, f"{rule.id} {change.level}")),
        version=sha256(words.encode()).hexdigest()[:16],
        title=rule.title["en"],
        level=change.level,
        kind="detector",
        status="experimental",
        description="Differs from the baseline, and nothing approves it.",
        logsource=LogSource(None, "state_change", None),
        tags=tuple(f"attack.{technique.lower()}" for technique in rule.techniques),
        name=f"change.{rule.id}",
    )
