"""What a file is, by its content: a table of magic bytes, structure where magic is shared, tokens where it is text.

`kind` names it (``docx``, ``pe``, ``powershell``); `kinds.yml` says what that is called, of which family it is, and
which extensions agree with it. The name is only asked where content leaves it open, as it does between script languages.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from kazami.detect.content.identify import magic, package, text

#: Families that a double click starts.
RUNS = frozenset(("program", "script", "shortcut", "installer"))
#: Kinds that leave open what a name makes Windows do with them.
_SAYS_NOTHING = frozenset(("data", "text", "xml", "json", "inf"))

#: Bytes from the start that are enough, where the rest is not needed for structure.
HEAD = 64 << 10


@dataclass(frozen=True, slots=True)
class Kind:
    """What content can be: `family` decides what may stand in for what."""

    name: str
    title: str
    family: str
    extensions: tuple[str, ...]


@cache
def kinds() -> dict[str, Kind]:
    """All kinds by name."""
    content = yaml.safe_load(Path(__file__).with_name("kinds.yml").read_text("utf-8"))
    return {
        str(name): Kind(str(name), row["title"], row["family"], tuple(map(str, row["extensions"])))
        for name, row in content.items()
    }


@cache
def claimed(extension: str) -> tuple[str, ...]:
    """Kinds that go by `extension` (without its dot, lower case)."""
    return tuple(kind.name for kind in kinds().values() if extension in kind.extensions)


def extension(name: str) -> str:
    """The extension that Windows acts on: lower case, without its dot; trailing dots and spaces fall away."""
    stem, dot, last = name.rstrip(". ").rpartition(".")
    return last.lower() if dot and stem else ""


def kind(data: bytes, name: str = "") -> str:
    """What `data` is; ``data`` where that is not known. Never raises."""
    if not data:
        return "empty"
    found = magic.kind(data)
    if found in ("zip", "ole"):
        return package.kind(data, found)
    return found or text.kind(data[:HEAD], extension(name)) or "data"


def starts(found: str, name: str) -> bool:
    """Whether a double click starts what is of the kind `found`: by that, or by its name where the content says nothing."""
    return kinds()[found].family in RUNS or (found in _SAYS_NOTHING and starts_by_name(name))


def starts_by_name(name: str) -> bool:
    """Whether `name` claims to be something that a double click starts."""
    return any(kinds()[one].family in RUNS for one in claimed(extension(name)))
