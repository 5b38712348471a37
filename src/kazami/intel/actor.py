"""Profiles of actors: their names and what kind of name each is, habits, and how rare what they do is."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from kazami import packs
from kazami.errors import UsageError
from kazami.intel.table import Table

#: Safe, and in C where there is one.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: The file in a pack's folder, and its largest size in bytes.
FILE, LARGEST = "actor.yml", 1 << 20

#: Kinds of names. A password or malware named in a list of actors is no actor; ``related`` is a cluster nearby.
KINDS: tuple[str, ...] = ("actor", "campaign", "malware", "password", "related")

#: Shares of all groups up to which a technique is diagnostic, uncommon, common; above, it is ubiquitous.
_CLASSES = ((0.05, "diagnostic"), (0.15, "uncommon"), (0.35, "common"), (1.0, "ubiquitous"))


@dataclass(frozen=True, slots=True)
class Name:
    """One name, its kind (of `KINDS`), and who uses it."""

    name: str
    kind: str
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """What a pack says of its actor. `habits` go by what they are about, in each language; `recognizes` names, by rule
    id, the malware (ATT&CK's id) that a rule recognizes."""

    pack: str
    group: str
    name: str
    names: tuple[Name, ...]
    origin: dict[str, str]
    aim: dict[str, str]
    habits: dict[str, dict[str, str]]
    recognizes: dict[str, str]
    references: tuple[str, ...] = ()

    def weather(self, lang: str = "en") -> str:
        """What Microsoft's word in its names stands for; empty where it has none."""
        words = _weather()
        found = (words[part] for one in self.names for part in one.name.split() if part in words)
        return next((meaning[lang] for meaning in found), "")


@dataclass(frozen=True, slots=True)
class Habit:
    """A technique or piece of software of a group: how many of all groups are reported to use it too."""

    id: str
    name: str
    groups: int
    share: float
    rarity: str
    through: str  # the campaign, where only a campaign of the group is reported to have used it


def plain(name: str) -> str:
    """A name as names are compared: no case, spaces, hyphens or underscores."""
    return re.sub(r"[\s_-]+", "", name.casefold())


def actors() -> tuple[Actor, ...]:
    """The actors of the packs in use. A file of the user's own that cannot be taken is left out; `faults` names it."""
    return _loaded(packs.in_use())[0]


def faults() -> tuple[tuple[str, str], ...]:
    """Files of actors that could not be taken, with the reason."""
    return _loaded(packs.in_use())[1]


@cache
def _loaded(folders: tuple[Path, ...]) -> tuple[tuple[Actor, ...], tuple[tuple[str, str], ...]]:
    found, failed = [], []
    for path in (folder / FILE for folder in folders):
        if path.is_file():
            try:
                found.append(read(path))
            except (UsageError, RecursionError) as error:
                failed.append((str(path), str(error)))
    return tuple(found), tuple(failed)


def find(name: str) -> Actor:
    """The actor with this name, alias, group id or pack. Raises UsageError that lists those there are."""
    wanted = plain(name)
    for one in actors():
        aliases = (alias.name for alias in one.names if alias.kind in ("actor", "campaign"))
        if wanted in {plain(said) for said in (one.group, one.pack, one.name, *aliases)}:
            return one
    raise UsageError(f"no actor {name[:80]!r}; there are: {', '.join(one.name for one in actors())}")


def recognizes() -> dict[str, str]:
    """By rule id, the malware that it recognizes, of all packs."""
    return {rule: software for one in actors() for rule, software in one.recognizes.items()}


def habits(group: str, table: Table) -> list[Habit]:
    """What a group uses according to `table`, its campaigns included: the rarest first."""
    campaigns = {one.id: one.groups for one in table.campaigns}
    users: defaultdict[str, set[str]] = defaultdict(set)
    through: dict[str, str] = {}
    for use in table.uses:
        for user in campaigns.get(use.source, (use.source,)):
            if user in table.group:
                users[use.target].add(user)
                if user == group:
                    through[use.target] = "" if use.source == group else through.get(use.target, use.source)
    total = len(set().union(*users.values())) if users else 0
    found = [
        Habit(
            target,
            piece.name if (piece := table.piece.get(target)) else table.name(target),
            len(users[target]),
            round(len(users[target]) / total, 4),
            next(name for most, name in _CLASSES if len(users[target]) / total <= most),
            campaign,
        )
        for target, campaign in through.items()
    ]
    return sorted(found, key=lambda one: (one.groups, one.id))


def read(path: Path) -> Actor:
    """The actor in one file. Raises UsageError that names the file and what is wrong with it."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"more than {LARGEST:,} bytes")
        content = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
        return _actor(path.parent.name, content)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (UsageError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error


def _actor(pack: str, said: Any) -> Actor:
    if not isinstance(said, dict):
        raise UsageError("must be a mapping")
    listed = said.get("names") or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise UsageError("names: must be a list of mappings")
    names = tuple(
        Name(*(str(one.get(key) or "") for key in ("name", "kind", "by", "note"))) for one in listed
    )
    for one in names:
        if not one.name or one.kind not in KINDS:
            raise UsageError(f"names: {one.name[:80] or '?'}: kind must be one of {', '.join(KINDS)}")
    twice = [name for name, count in Counter(plain(one.name) for one in names).items() if count > 1]
    if twice:
        raise UsageError(f"names: {twice[0][:80]} is there twice")
    if not all(isinstance(said.get(key), str) and said[key] for key in ("group", "name")):
        raise UsageError("group and name are needed")
    habits = {
        str(one.get("about")): _spoken(one, "habits")
        for one in said.get("habits") or []
        if isinstance(one, dict)
    }
    known = said.get("recognizes") or {}
    if not isinstance(known, dict):
        raise UsageError("recognizes: must be a mapping of rule ids to software")
    return Actor(
        pack,
        said["group"],
        said["name"],
        names,
        _spoken(said.get("origin"), "origin"),
        _spoken(said.get("aim"), "aim"),
        habits,
        {str(rule): str(software) for rule, software in known.items()},
        tuple(map(str, said.get("references") or ())),
    )


def _spoken(text: Any, where: str) -> dict[str, str]:
    if not isinstance(text, dict) or not all(isinstance(text.get(lang), str) for lang in ("en", "ja")):
        raise UsageError(f"{where}: needs the texts en and ja")
    return {lang: text[lang] for lang in ("en", "ja")}


@cache
def _weather() -> dict[str, dict[str, str]]:
    content = (files("kazami.intel") / "weather.yml").read_text("utf-8")
    words: dict[str, dict[str, str]] = yaml.load(content, Loader=_LOADER)["words"]  # noqa: S506 - a safe loader
    return words
