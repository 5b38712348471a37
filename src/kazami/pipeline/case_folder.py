"""Folders of a case that stages keep their own things in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from kazami.errors import UsageError
from kazami.store.bytelock import lock


def made(case: Path, name: str) -> Path:
    """The folder `name` of a case, made where it is not there yet. Raises UsageError where it cannot be."""
    folder = case / name
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from error
    return folder


@contextlib.contextmanager
def alone(case: Path, name: str) -> Iterator[Path]:
    """The folder `name` of a case, in which nobody else works meanwhile. Raises UsageError where somebody does."""
    folder = made(case, name)
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        if not lock(handle, 0):
            raise UsageError(f"{folder}: another command is at work there; try again after it")
        yield folder
    finally:
        os.close(handle)  # with it the lock falls
