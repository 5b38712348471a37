"""Content as data: a pack is a folder with ``pack.yml`` and ``rules/``, and no code."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from kazami.errors import UsageError


def names() -> list[str]:
    """The packs that come with Kazami, sorted."""
    return sorted(folder.name for folder in _here().iterdir() if (folder / "pack.yml").is_file())


def find(name: str) -> Path:
    """The folder of the pack called `name`; raises UsageError that lists the packs there are."""
    if name not in names():
        raise UsageError(f"there is no pack {name!r}; there are: {', '.join(names())}")
    return _here() / name


def _here() -> Path:
    return Path(str(files(__name__)))
