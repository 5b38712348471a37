"""Reads a folder: what lies in it, with hash, size, rights, owner, target and time.

Links are told and never followed, so that no circle can hold it up; pipes and devices are told and never opened. What cannot be
read, or changes while it is read, is named. Nothing is written.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import stat
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from kazami.errors import UsageError
from kazami.model.change import Bounds, Item, Snapshot, Unread
from kazami.sources.folder import entry
from kazami.sources.folder.place import Place, place

_PIECE = 1 << 20
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))

#: What a running system shows as files without having them, left out where the root itself is read.
_UNREAL = ("proc/*", "sys/*", "dev/*", "run/*")
_MISSED = 10_000  # names of what could not be read that are kept; more are counted

#: Seconds that a clock may be ahead before a time counts as one of the future.
_AHEAD = 24 * 3600


@dataclass(slots=True)
class _Reading:
    top: str
    at: str
    bounds: Bounds
    excluded: re.Pattern[str] | None
    secret: bytes
    now: float
    items: list[Item] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    missed: int = 0
    entries: int = 0
    cut: bool = False

    def miss(self, name: str, reason: str, count: int = 1) -> None:
        """Name what was not read, or at least count it."""
        self.missed += 1
        if self.missed <= _MISSED:
            self.unread.append(Unread(name, reason, count))


def read(
    folder: Path,
    *,
    tenant: str,
    host: str,
    bounds: Bounds | None = None,
    at: str = "",
    secret: bytes = b"",
    made: datetime | None = None,
) -> Snapshot:
    """What lies in `folder` now; `at` is where it lay on its host (``var/www``), "" where it is the root.

    `secret` keys the digests of passwords in settings. Raises UsageError where it is no folder that can be read.
    """
    bounds = bounds or Bounds()
    if folder.resolve() == Path("/"):
        bounds = replace(bounds, exclude=tuple(dict.fromkeys((*bounds.exclude, *_UNREAL))))
    made = made or datetime.now(UTC)
    top = os.fspath(folder)
    if not folder.is_dir():
        raise UsageError(f"{folder}: is no folder")
    above = at.strip("/") + "/" if at.strip("/") else ""
    patterns = "|".join(fnmatch.translate(pattern) for pattern in bounds.exclude)
    state = _Reading(top, above, bounds, re.compile(patterns) if patterns else None, secret, made.timestamp())
    try:
        os.scandir(top).close()
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read: {error.strerror}") from error
    _walk(state)
    if state.missed > _MISSED:
        state.unread.append(Unread("", f"and {state.missed - _MISSED:,} more", state.missed - _MISSED))
    return Snapshot(
        tenant, host, made, str(folder), not state.cut, _unique(state.items), tuple(state.unread), bounds
    )


def _walk(state: _Reading) -> None:
    """Depth first without recursion: paths may be thousands of folders deep."""
    waiting = [state.top]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as scan:
                listed = sorted(scan, key=lambda one: one.name)
        except OSError as error:
            state.miss(_name(state, folder), error.strerror or str(error))
            continue
        for number, one in enumerate(listed):
            if state.entries >= state.bounds.most:
                state.cut = True
                left = len(listed) - number + len(waiting)
                state.miss(_name(state, one.path), f"more than {state.bounds.most:,} entries; {left:,} and all below are not looked at")  # fmt: skip
                return
            if _take(state, one):
                waiting.append(one.path)


def _take(state: _Reading, one: os.DirEntry[str]) -> bool:
    """Look at one entry; whether it is a folder to go into."""
    name = _name(state, one.path)
    if state.excluded is not None and state.excluded.match(name):
        return False
    state.entries += 1
    where = place(name)
    try:
        found = one.stat(follow_symlinks=False)
        facts = {"mode": f"{stat.S_IMODE(found.st_mode):04o}", "owner": f"{found.st_uid}:{found.st_gid}"}
        if stat.S_ISLNK(found.st_mode):
            facts |= {"type": "link", "target": _clean(os.fspath(Path(one.path).readlink()))}
        elif stat.S_ISDIR(found.st_mode):
            facts["type"] = "folder"
        elif stat.S_ISREG(found.st_mode):
            facts |= _content(state, one.path, name, where)
        else:
            facts["type"] = "special"
    except OSError as error:
        state.miss(name, error.strerror or str(error))
        return False
    facts["touched"] = str(int(found.st_ctime))
    if found.st_mtime > state.now + _AHEAD:
        facts["clock"] = "in the future"
    state.items.append(Item(where.kind, name, facts, time=_time(found.st_mtime)))
    return facts["type"] == "folder"


def _content(state: _Reading, path: str, name: str, where: Place) -> dict[str, str]:
    """Hash and size of a file; a second try for one that changes while it is read. Raises OSError."""
    for _ in range(2):
        with FileIO(os.open(path, _FLAGS)) as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise OSError(0, "became something else while it was looked at")
            digest, kept = _digest(file, state.bounds.largest, bool(where.entries))
            after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            break
    else:
        state.miss(name, "changed while it was read, twice")
    if where.entries:
        _entries(state, name, where, kept, after)
    facts = {"type": "file", "size": str(after.st_size), "sha256": digest}
    if after.st_size > state.bounds.largest:
        facts["hashed"] = str(state.bounds.largest)
        state.miss(name, f"only the first {state.bounds.largest:,} bytes hashed", 0)
    return facts


def _digest(file: FileIO, largest: int, keep: bool) -> tuple[str, bytes]:
    """SHA-256 of the first `largest` bytes, and the bytes where settings are to be read."""
    digest, kept, left = hashlib.sha256(), bytearray(), largest
    while left > 0 and (piece := file.read(min(_PIECE, left))):
        digest.update(piece)
        left -= len(piece)
        if keep and len(kept) <= entry.LARGEST:
            kept += piece
    return digest.hexdigest(), bytes(kept)


def _entries(state: _Reading, name: str, where: Place, content: bytes, found: os.stat_result) -> None:
    more = {"type": "entry", "touched": str(int(found.st_ctime))}
    for said, facts in entry.entries(where.entries, content, state.secret):
        state.items.append(Item(where.kind, f"{name}: {said}", {**facts, **more}, time=_time(found.st_mtime)))


def _unique(items: list[Item]) -> tuple[Item, ...]:
    """Each name once; what is spelled like another (bytes that are no text) gets a number, so that neither hides the other."""
    seen: dict[tuple[str, str], int] = {}
    found = []
    for one in items:
        number = seen[one.kind, one.name] = seen.get((one.kind, one.name), 0) + 1
        found.append(one if number == 1 else replace(one, name=f"{one.name} #{number}"))
    return tuple(found)


def _name(state: _Reading, path: str) -> str:
    below = path[len(state.top) :].lstrip(os.sep)
    below = below if os.sep == "/" else below.replace(os.sep, "/")
    return state.at + (below if below.isascii() else _clean(below))


def _clean(text: str) -> str:
    """A name as text that can be stored: bytes that are no text become visible."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
