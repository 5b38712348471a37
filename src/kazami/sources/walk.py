"""From what a person hands over to `Evidence`: files, folders, and whatever is packed in them.

In two steps, so that many small files cost little: `list_files` names them (one look at the folder each), `expand`
reads one, in a worker if need be, and opens it if it is a container. `find` does both. What cannot be read is a row in
the words of `model.event.REJECT`, never an exception; a count of 0 says that something was passed over,
not lost.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from kazami import archive
from kazami.archive.budget import Limits
from kazami.archive.name import shown
from kazami.archive.unpack import Reject, Unpacking, row
from kazami.model.evidence import Evidence


class File(NamedTuple):
    """A plain file to read: its path as the system spells it, its size in bytes, whose it is."""

    path: str
    size: int
    tenant: str


def find(
    paths: Iterable[str | os.PathLike[str]],
    *,
    tenant: str,
    passwords: Sequence[str] = (),
    limits: Limits | None = None,
    tenant_from_folder: bool = False,
) -> Iterator[Evidence | Reject]:
    """All evidence in `paths`, containers opened, with a row for each thing that cannot be read."""
    files, rejects = list_files(paths, tenant=tenant, tenant_from_folder=tenant_from_folder)
    yield from rejects
    for file in files:
        yield from expand(file, passwords=passwords, limits=limits)


def list_files(
    paths: Iterable[str | os.PathLike[str]], *, tenant: str, tenant_from_folder: bool = False
) -> tuple[list[File], list[Reject]]:
    """Every regular file in `paths`, folders in the order of their names, each file once.

    Links inside a folder are not followed (what they lead to is found at its own place, or is outside); a link that
    was itself handed over is. With `tenant_from_folder` the folders right inside a folder handed over name the tenants.
    """
    listing = _Listing(tenant)
    for path in paths:
        listing.take(os.fspath(path), tenant_from_folder)
    return listing.files, listing.rejects


class _Listing:
    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.files: list[File] = []
        self.rejects: list[Reject] = []
        self._seen: set[str] = set()

    def take(self, path: str, tenant_from_folder: bool) -> None:
        try:
            found = Path(path).stat()
        except (OSError, ValueError) as error:
            self._reject(path, _words(error), 1)
            return
        real = os.path.realpath(path)
        if stat.S_ISDIR(found.st_mode):
            self._folder(path.rstrip(os.sep) or path, real, tenant_from_folder)
        elif stat.S_ISREG(found.st_mode):
            self._add(path, real, found.st_size, self.tenant)
        else:
            self._reject(path, f"is {_special(found.st_mode)}, not a file", 1)

    def _add(self, path: str, real: str, size: int, tenant: str) -> None:
        if real not in self._seen:
            self._seen.add(real)
            self.files.append(File(path, size, tenant))

    def _folder(self, top: str, real: str, tenant_from_folder: bool) -> None:
        """Files below `top`, depth first without recursion: paths may be thousands of folders deep."""
        waiting = [(top, self.tenant)]
        while waiting:
            folder, tenant = waiting.pop()
            try:
                with os.scandir(folder) as scan:
                    entries = sorted(scan, key=lambda e: e.name)
            except OSError as error:
                self._reject(folder, _words(error), 1)
                continue
            below = [e for e in entries if self._entry(e, tenant, len(top), real)]
            named = tenant_from_folder and folder is top
            waiting += [(e.path, shown(_text(e.name)) if named else tenant) for e in reversed(below)]

    def _entry(self, entry: os.DirEntry[str], tenant: str, top: int, real: str) -> bool:
        """Take one entry of a folder; True where it is a folder itself."""
        try:
            if entry.is_file(follow_symlinks=False):
                size = entry.stat(follow_symlinks=False).st_size
                self._add(entry.path, real + entry.path[top:], size, tenant)
            elif entry.is_dir(follow_symlinks=False):
                return True
            elif entry.is_symlink():
                self._link(entry.path, real)
            else:
                mode = entry.stat(follow_symlinks=False).st_mode
                self._reject(entry.path, f"is {_special(mode)}, not a file", 0)
        except OSError as error:
            self._reject(entry.path, _words(error), 1)
        return False

    def _link(self, path: str, real: str) -> None:
        target = os.path.realpath(path)
        if target != real and not target.startswith(real.rstrip(os.sep) + os.sep):
            self._reject(path, f"is a link out of the folder, not followed: {shown(_text(target))}", 0)

    def _reject(self, path: str, reason: str, count: int) -> None:
        self.rejects.append(row("", named(path), "", reason, count))


def expand(
    file: File, *, passwords: Sequence[str] = (), limits: Limits | None = None
) -> Iterator[Evidence | Reject]:
    """The evidence in one file: itself, or what it contains. The file is read once to be hashed."""
    limits = limits or Limits()
    name = named(file.path)
    try:
        with open(file.path, "rb", buffering=0) as stream:  # noqa: PTH123 - one of tens of thousands
            head = content = stream.read(min(file.size, limits.in_memory) + 1)
            if archive.kind(head):
                yield from Unpacking(file.path, name, file.tenant, file.size, passwords, limits).run(stream)
                return
            size = len(content)
            if size <= file.size and size <= limits.in_memory:
                digest = hashlib.sha256(content).hexdigest()
            else:
                del head, content
                state = os.fstat(stream.fileno())
                digest, size = _large(file.path, state.st_size, state.st_mtime_ns)
    except (OSError, ValueError) as error:
        yield row("", name, "", _words(error), 1)
        return
    yield Evidence(name, digest[:16], file.tenant, size, partial(_open, file.path), Path(file.path))


@lru_cache(256)
def _large(path: str, size: int, changed: int) -> tuple[str, int]:
    """SHA-256 and size of a large file, remembered while it stays as it is: its parts come one by one."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()


def _open(path: str) -> BinaryIO:
    return Path(path).open("rb")


def named(path: str) -> str:
    """The name of the evidence at `path`: the path as text that can be stored and printed."""
    return path if path.isascii() and path.isprintable() else shown(_text(path))


def _text(path: str) -> str:
    """A path without the halves of characters that stand for bytes which are not UTF-8."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _words(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _special(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISBLK, "a disk"),
        (stat.S_ISCHR, "a device"),
    )
    return next((words for is_kind, words in kinds if is_kind(mode)), "a special file")
