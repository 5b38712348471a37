"""Folders of a case that stages keep their own things in."""

from __future__ import annotations

from pathlib import Path

from kazami.errors import UsageError


def made(case: Path, name: str) -> Path:
    """The folder `name` of a case, made where it is not there yet. Raises UsageError where it cannot be."""
    folder = case / name
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from error
    return folder
