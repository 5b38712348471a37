"""Rule files on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from kazami.errors import UsageError

_SUFFIXES = (".yml", ".yaml")
_DEEPEST = 64  # folders


def find(paths: Iterable[Path]) -> list[str]:
    """The rule files that `paths` name, sorted a folder, each once.

    A file is taken whatever it is called; of a folder, all ``.yml`` and ``.yaml`` files below it, but for names that
    begin with a dot and for links to folders. Raises `UsageError` for what is neither.
    """
    found: dict[str, str] = {}  # by absolute path, as named
    for path in paths:
        named, absolute = str(path), str(path.absolute())
        if path.is_dir():
            for name in _below(named, 0):
                found.setdefault(absolute + name.removeprefix(named), name)
        elif path.is_file():
            found.setdefault(absolute, named)
        else:
            raise UsageError(f"{path}: no such rule file or folder")
    return list(found.values())


def _below(folder: str, depth: int) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be listed: {error.strerror}") from error
    for entry in listed:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth < _DEEPEST:
                yield from _below(entry.path, depth + 1)
        elif entry.name.lower().endswith(_SUFFIXES) and (entry.is_file() or _leads_nowhere(entry)):
            yield entry.path


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a link to what is not there; it is read, so that it is named and not passed over."""
    return entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110
