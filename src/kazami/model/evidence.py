"""Evidence: a file, or a member of an archive, as handed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Evidence:
    """One readable thing. `name` is for people: ``/path/logs.zip!Security.evtx`` for a member of an archive.

    `open` gives a fresh, readable, seekable stream at its start; `path` is set where the bytes lie in a plain
    file, so that libraries which want a path can have one. `size` is in bytes, of the unpacked content, -1
    where it cannot be known beforehand. `uid` is 16 hex digits of the content's SHA-256. A large file may be
    read in parts: `start` and `stop` are then byte offsets that the source itself chose in its `split`.
    `modified` is when a member of an archive was last changed, microseconds since the epoch, where that is known.
    """

    name: str
    uid: str
    tenant: str
    size: int
    open: Callable[[], BinaryIO]
    path: Path | None = None
    start: int = 0
    stop: int | None = None
    modified: int | None = None
