"""How a sink's files come to a folder, and leave it as it was.

A file of ours says in its first lines whose blocks it holds. One that does not is somebody else's: it is neither written over nor removed.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from kazami.errors import UsageError
from kazami.model.block import Block

Plan = Callable[[str, Sequence[Block], datetime], Mapping[str, str]]

#: Characters from the beginning, within which a file of ours says that it is.
_HEAD = 1000


def mark(tenant: str) -> str:
    """How a tenant's files say whose they are: 12 hex digits, which tell nobody else the name."""
    return hashlib.sha256(f"kazami blocks of {tenant}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


def slug(tenant: str) -> str:
    """A tenant as a part of a file's name: letters and digits of its own, and of its mark."""
    plain = re.sub(r"[^a-z0-9]+", "-", tenant.lower()).strip("-")[:40]
    return f"{plain}-{mark(tenant)}" if plain else mark(tenant)


def heading(tenant: str, comment: str = "#") -> str:
    """The first line of a file of ours."""
    return f"{comment} kazami blocks {mark(tenant)}: made by kazami block, replaced by it, removed by kazami block undo"


def put(plan: Plan, tenant: str, blocks: Sequence[Block], place: Path, now: datetime) -> str:
    """Make the files in the folder `place` those of `blocks`, each at once; without blocks, remove them.

    What the log keeps. Raises UsageError where a file is somebody else's or cannot be written.
    """
    made = plan(tenant, blocks, now)
    try:
        for name in made:
            _must_be_ours(place / name, tenant)
        if blocks:
            place.mkdir(parents=True, exist_ok=True)
            _write({place / name: text for name, text in made.items()})
        else:
            for name in made:
                (place / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{error.filename or place}: cannot be written: {error.strerror}") from error
    digest = hashlib.sha256("\0".join(made.values()).encode()).hexdigest()[:16] if blocks else "removed"
    return f"{', '.join(made)}: {digest}"


def _must_be_ours(path: Path, tenant: str) -> None:
    if not path.exists() and not path.is_symlink():
        return
    if path.is_symlink() or not path.is_file():
        raise UsageError(f"{path}: is no file of ours")
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8", "replace")
    if mark(tenant) not in head:
        raise UsageError(f"{path}: is there already, and not of these blocks; it stays as it is")


def _write(texts: Mapping[Path, str]) -> None:
    """All of them or none: where one has no room, those before it stay as they were."""
    halves = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in texts}
    try:
        for path, text in texts.items():
            halves[path].write_text(text, "utf-8")
        for path, half in halves.items():
            half.replace(path)
    finally:
        for half in halves.values():
            half.unlink(missing_ok=True)
