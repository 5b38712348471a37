"""Content as data: a pack is a folder with ``pack.yml`` and ``rules/``, and no code. Some come with Kazami; others are
folders of the user's own, which work the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from kazami.errors import UsageError

DESCRIPTION = "pack.yml"
LARGEST = 1 << 16  # bytes of a pack.yml

#: Safe, and in C where there is one.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The folders of the packs that were asked for, those they need first; and what is wrong with a ``pack.yml``.

    A fault is a pair of file and reason. It costs a pack nothing but what its ``pack.yml`` would have said.
    """

    folders: tuple[Path, ...]
    faults: tuple[tuple[str, str], ...]

    @property
    def rules(self) -> list[Path]:
        """The folders of rules."""
        return self._inside("rules")

    @property
    def yara(self) -> list[Path]:
        """The folders of YARA rules."""
        return self._inside("yara")

    def _inside(self, name: str) -> list[Path]:
        return [found for folder in self.folders if (found := folder / name).is_dir()]


def names() -> list[str]:
    """The packs that come with Kazami, sorted."""
    return list(_names(_here()))


@cache  # asked for every rule that found something
def _names(here: Path) -> tuple[str, ...]:
    return tuple(sorted(folder.name for folder in here.iterdir() if (folder / DESCRIPTION).is_file()))


def find(name: str) -> Path:
    """The folder of the pack called `name`, or the folder `name`, where a slash or a ``pack.yml`` is in it.

    Raises UsageError that lists the packs there are, or says why a folder is no pack.
    """
    if is_folder(name):
        return _own(Path(name))
    if name in names():
        return _here() / name
    if (Path(name) / DESCRIPTION).is_file():
        return Path(name)
    raise UsageError(f"there is no pack {name!r}; there are: {', '.join(names())}")


def is_folder(name: str) -> bool:
    """Whether `name` is written as a folder: with a slash (``./mine``), as names of packs never are."""
    return "/" in name or os.sep in name or name in (os.curdir, os.pardir)


#: Folders of the user's own packs that this command works with; see `use`.
_own_packs: list[Path] = []


def use(folders: Iterable[Path]) -> None:
    """From here on what these packs say of actors and of what to do counts beside what comes with Kazami.

    Said once, at the edge, as a user's own table of ATT&CK is: what a technique means does not depend on a case.
    """
    shipped = {(_here() / name).resolve() for name in names()}
    _own_packs[:] = [folder for folder in folders if folder.resolve() not in shipped]


def in_use() -> tuple[Path, ...]:
    """The packs that come with Kazami, then the user's own."""
    return (*(_here() / name for name in names()), *_own_packs)


def choose(wanted: Iterable[str] | None) -> Chosen:
    """The packs called `wanted` (all that come with Kazami for None), each once, and before each those it needs.

    Raises UsageError as `find` does. A needed pack that is not there is a fault of the pack that needs it.
    """
    folders: dict[str, Path] = {}
    faults: dict[str, str] = {}
    for name in names() if wanted is None else wanted:
        _add(find(name), folders, faults)
    return Chosen(tuple(folders.values()), tuple(faults.items()))


def _add(folder: Path, folders: dict[str, Path], faults: dict[str, str]) -> None:
    """Put a folder behind those that it needs; what these need in turn is not asked, so that there are no circles."""
    description = folder / DESCRIPTION
    try:
        needed = [find(name) for name in _needs(description)]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError, UsageError) as error:
        faults[str(description)] = _reason(error)
        needed = []
    for each in (*needed, folder):
        folders.setdefault(str(each.resolve()), each)


def _needs(description: Path) -> list[str]:
    """The packs on which the rules of a pack build: the list `needs` of its ``pack.yml``."""
    if not description.is_file():
        return []
    with description.open("rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    content: Any = yaml.load(data.decode("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    if not isinstance(content, dict):
        raise ValueError("not a map")
    needs = content.get("needs") or []
    if not isinstance(needs, list) or not all(isinstance(name, str) for name in needs):
        raise ValueError("'needs' is no list of names of packs")
    return [name if not is_folder(name) else str(description.parent / name) for name in needs]


def _reason(error: BaseException) -> str:
    deep = isinstance(error, RecursionError) or "nesting depth" in str(error)  # Python, and libyaml
    if deep:
        return "nested too deeply"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"not YAML: line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    return str(error)


def _own(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder, so it is no pack")
    if not (folder / DESCRIPTION).is_file() and not any(
        (folder / name).is_dir() for name in ("rules", "yara")
    ):
        raise UsageError(f"{folder}: is no pack: it has neither {DESCRIPTION} nor a folder rules or yara")
    return folder


def _here() -> Path:
    return Path(str(files(__name__)))
