"""What features mean, from YAML beside the analyzer.

    rtf.objupdate:
      title: Object that loads itself
      level: high
      group: exploit
      techniques: [T1203]
      reason: The document asks Word to load the object without a click.

The shared words of `group` stand in docs/content.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kazami.errors import RuleError
from kazami.model.content import CONFIDENCES, WORDS, Meaning
from kazami.model.finding import LEVELS

#: What a feature can be evidence of; one of each counts in a verdict.
GROUPS: tuple[str, ...] = (
    "name",  # what it is called against what it is
    "lure",  # talks people into opening it
    "sender",  # who it poses as
    "exploit",  # attacks the program that opens it
    "macro",  # code in a document
    "script",  # what a script does
    "obfuscation",  # hides what it does
    "execution",  # starts programs
    "download",  # fetches more
    "persistence",  # stays
    "identity",  # claims to be somebody's: signature, version information
    "packer",  # packed, encrypted or odd structure of an executable
    "capability",  # imports, behavior of an executable
    "payload",  # a program or script inside what should not hold one
    "container",  # oddness of an archive: bomb, traversal, encryption
    "signature",  # a YARA or other signature rule
    "reputation",  # known by its hash
    "indicator",  # a value known to be of a campaign
    "behavior",  # what it did when it was emulated
    "learned",  # a model or rarity says so; always capped
)

_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")
_KEYS = {"title", "level", "group", "confidence", "techniques", "reason", "cap", "references"}


def meanings(path: str | Path) -> dict[str, Meaning]:
    """The meanings in a YAML file; of a module (``meanings(__file__)``), in the file of its name beside it.

    Raises RuleError where something in it cannot be meant.
    """
    file = Path(path).with_suffix(".yml")
    if file.name == "__init__.yml":
        file = file.with_name(f"{file.parent.name}.yml")
    content = yaml.safe_load(file.read_text("utf-8")) or {}
    return {name: meaning(str(file), name, row) for name, row in content.items()}


def meaning(file: str, name: str, row: Mapping[str, Any]) -> Meaning:
    """One row of a file. Raises RuleError where it cannot be meant."""
    if fault := _fault(name, row):
        raise RuleError(file, f"{name}: {fault}")
    return Meaning(
        name=name,
        title=row["title"],
        level=row["level"],
        group=row["group"],
        confidence=row.get("confidence", "medium"),
        techniques=tuple(row.get("techniques", ())),
        reason=" ".join(str(row.get("reason", "")).split()),
        cap=row.get("cap", ""),
        references=tuple(row.get("references", ())),
    )


def _fault(name: str, row: Mapping[str, Any]) -> str:
    """Why a row cannot be a meaning, or ""."""
    if not _NAME.fullmatch(name):
        return "a name is words with dots between"
    if unknown := set(row) - _KEYS:
        return f"unknown {', '.join(sorted(unknown))}"
    if missing := {"title", "level", "group", "reason"} - set(row):
        return f"without {', '.join(sorted(missing))}"
    checks = (
        (row["level"] in LEVELS, f"level {row['level']!r}"),
        (row["group"] in GROUPS, f"group {row['group']!r}"),
        (row.get("confidence", "medium") in CONFIDENCES, f"confidence {row.get('confidence')!r}"),
        (row.get("cap", "") in ("", *WORDS), f"cap {row.get('cap')!r}"),
        (all(_TECHNIQUE.fullmatch(str(t)) for t in row.get("techniques", ())), "a technique that is none"),
        (row["group"] != "learned" or row.get("cap", ""), "what is learned has a cap"),
    )
    return next((f"{fault} cannot be" for well, fault in checks if not well), "")
