"""What to do about techniques: now (contain), this week (eradicate), then (harden).

The words are data of the packs (``mitigations.yml``); which of ATT&CK's mitigations lessen a technique is data of ATT&CK.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kazami import packs
from kazami.errors import UsageError
from kazami.intel import translate
from kazami.intel.shelf import attack
from kazami.intel.table import Table

#: When something is to be done, first things first.
WHEN: tuple[str, ...] = ("now", "week", "then")

#: The file in a pack's folder, its largest size in bytes, and the hardening measures named for one technique.
FILE, LARGEST, HARDENING = "mitigations.yml", 1 << 20, 4

#: What stands in for ATT&CK's mitigations where it names none.
_NONE = "log-it"

#: Reading other people's YAML is bounded by size; aliases could still multiply it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing to do. `attack` are ids of ATT&CK's mitigations, `sources` names with or without an address."""

    id: str
    when: str
    en: str
    ja: str
    attack: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def spoken(self, lang: str) -> str:
        """The text in ``en`` or ``ja``."""
        return self.ja if lang == "ja" else self.en


@dataclass(frozen=True, slots=True)
class Advice:
    """A measure, and the techniques for which it is to be done."""

    measure: Measure
    techniques: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measures:
    """All measures, and which techniques they are for. `notes` name files that could not be taken, and why."""

    measures: dict[str, Measure] = field(default_factory=dict)
    techniques: dict[str, tuple[str, ...]] = field(default_factory=dict)
    hardening: dict[str, Measure] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def named(self, technique: str, table: Table | None = None) -> bool:
        """Whether somebody wrote down what to do about exactly this technique."""
        return translate.technique(technique, 18, table) in self.techniques

    def of(self, technique: str, table: Table | None = None) -> list[Measure]:
        """What to do about a technique of any version; of a sub-technique that is not named, what is said of its
        parent. Empty only where nothing is known about either."""
        table = table or attack()
        now = translate.technique(technique, 18, table)
        parent = now.partition(".")[0]
        names = self.techniques.get(now) or self.techniques.get(parent) or ()
        spoken = translate.technique(technique, translate.major(table.version), table)
        found = [self.measures[name] for name in names]
        if spoken in table.technique:
            found += self._hardening(spoken, table)
        return sorted(found, key=lambda one: WHEN.index(one.when))

    def gathered(self, techniques: Iterable[str], table: Table | None = None) -> list[Advice]:
        """What to do about all of `techniques`: each measure once, first things first, then the most needed."""
        table = table or attack()
        reasons: dict[str, tuple[Measure, list[str]]] = {}
        for technique in dict.fromkeys(techniques):
            for one in self.of(technique, table):
                reasons.setdefault(one.id, (one, []))[1].append(technique)
        ordered = sorted(reasons.values(), key=lambda pair: (WHEN.index(pair[0].when), -len(pair[1])))
        return [Advice(one, tuple(why)) for one, why in ordered]

    def breadth(self, measure: Measure) -> int:
        """For how many techniques a measure is meant; of what stands in where there is none, more than any."""
        if measure.id == _NONE:
            return len(self.techniques) + len(attack().techniques)
        if measure.id in self.hardening:
            known = attack().mitigation.get(measure.id)
            return len(known.techniques) if known else 0
        return sum(measure.id in names for names in self.techniques.values())

    def _hardening(self, technique: str, table: Table) -> list[Measure]:
        """Of ATT&CK's mitigations those that help against the fewest techniques come first: they are the most exact."""
        mitigations = sorted(table.mitigations_of(technique), key=lambda one: (len(one.techniques), one.id))
        found = [self.hardening[one.id] for one in mitigations if one.id in self.hardening][:HARDENING]
        return found or ([self.measures[_NONE]] if _NONE in self.measures else [])


def measures() -> Measures:
    """What the packs in use say."""
    return _loaded(packs.in_use())


@cache
def _loaded(folders: tuple[Path, ...]) -> Measures:
    return load(folders)


def load(folders: Sequence[Path]) -> Measures:
    """What ``mitigations.yml`` of the packs in `folders` says, later ones over earlier ones.

    A file that cannot be taken is named in `notes`, and the others count.
    """
    found = Measures()
    for path in (folder / FILE for folder in folders):
        if path.is_file():
            try:
                found = _over(found, _read(path))
            except (UsageError, RecursionError) as error:
                found = replace(found, notes=(*found.notes, f"{path}: {error}"))
    return found


def _over(before: Measures, path: dict[str, Any]) -> Measures:
    sources = {str(key): str(value) for key, value in _mapping(path, "sources").items()}
    measures = before.measures | {one.id: one for one in _measures(path, sources)}
    techniques = dict(before.techniques)
    for technique, names in _mapping(path, "techniques").items():
        if not isinstance(names, list) or not names:
            raise UsageError(f"techniques: {technique} needs a list of measures")
        unknown = [name for name in names if name not in measures]
        if unknown:
            raise UsageError(
                f"techniques: {technique} names the measure {str(unknown[0])[:80]!r}, which is not there"
            )
        techniques[str(technique)] = tuple(names)
    hardening = dict(before.hardening)
    for mitigation, text in _mapping(path, "hardening").items():
        said = _texts(f"hardening: {mitigation}", text)
        hardening[str(mitigation)] = Measure(
            str(mitigation),
            "then",
            *said,
            (str(mitigation),),
            (f"https://attack.mitre.org/mitigations/{mitigation}/",),
        )
    return Measures(measures, techniques, hardening, before.notes)


def _measures(document: dict[str, Any], sources: dict[str, str]) -> Iterable[Measure]:
    listed = document.get("measures") or []
    if not isinstance(listed, list):
        raise UsageError("measures: must be a list")
    for entry in listed:
        name = str(entry.get("id", "")) if isinstance(entry, dict) else ""
        if not name or entry.get("when") not in WHEN:
            raise UsageError(
                f"measures: {name[:80] or entry!r:.80}: needs an id, and when: {', '.join(WHEN)}"
            )
        said = _texts(f"measures: {name}", entry)
        named = [str(source) for source in entry.get("sources") or []]
        told = tuple(f"{one}: {sources[one]}" if one in sources else one for one in named)
        yield Measure(name, entry["when"], *said, tuple(map(str, entry.get("attack") or [])), told)


def _texts(where: str, entry: Any) -> tuple[str, str]:
    texts = [entry.get(lang) if isinstance(entry, dict) else None for lang in ("en", "ja")]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise UsageError(f"{where}: needs the texts en and ja")
    return str(texts[0]), str(texts[1])


def _mapping(document: dict[str, Any], key: str) -> dict[Any, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise UsageError(f"{key}: must be a mapping")
    return value


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"more than {LARGEST:,} bytes")
        document = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader, in C where there is one
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise UsageError(f"no YAML: {error}") from error
    if not isinstance(document, dict):
        raise UsageError("must be a mapping")
    return document
