"""Keeps files that pass in captures, while these are read, until somebody looks inside (`pipeline.carved`)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

#: In the case's folder; and how a note begins that says how many were too many.
FOLDER, LEFT = "carved", "left-"

#: Files that one process keeps of a scan, and their bytes.
MOST, BYTES = 5_000, 256 << 20

#: Families that pass by the thousand and are not looked into: what the web is made of.
_PLAIN = frozenset(("picture", "font", "movie", "page", "text"))


def waits(case: Path) -> bool:
    """Whether anything was kept that nobody has looked into."""
    return (case / FOLDER).is_dir()


class Keeper:
    """Keeps bodies as they are read; in each worker one."""

    def __init__(self, case: Path) -> None:
        self._folder = case / FOLDER
        self._files = self._bytes = self._left = 0

    def __call__(self, data: bytes, sha256: str) -> None:
        """Keep a body, once; beyond `MOST` and `BYTES` only how many there were, to the power of two below, is kept."""
        from kazami.detect.content.identify import kind, kinds

        if self._files >= MOST or self._bytes + len(data) > BYTES:
            self._left += 1
            if not self._left & (self._left - 1):
                self._write(f"{LEFT}{os.getpid()}", str(self._left).encode())
        elif data and not (self._folder / sha256).exists() and kinds()[kind(data, "")].family not in _PLAIN:
            self._files += 1
            self._bytes += len(data)
            self._write(sha256, data)

    def _write(self, name: str, data: bytes) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._folder)  # mode 0600
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(temporary).replace(self._folder / name)
