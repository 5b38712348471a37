"""Compiled rules, kept on disk by content.

A cache file is JSON under a header with its checksum. It is read only where it belongs to this user and nobody else
can write it; whatever is wrong with it, or with its folder, makes the rules be compiled again and nothing more.
There is a file for each set of rule paths, and in it an entry for each rule file's content.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import platformdirs

from kazami.detect.sigma.stored import Entry, File

_MAGIC = b"kazami rules 1\n"
_LARGEST = 1 << 30  # bytes
_MOST_FILES = 16  # cache files of one folder; the least recently written go first
_Files = msgspec.json.Decoder(list[File])


def default_folder() -> Path:
    """Where this user's cache lies: ``~/.cache/kazami`` or what the system has in its place."""
    return Path(platformdirs.user_cache_dir("kazami", appauthor=False))


def key(paths: Sequence[Path], placeholders: Mapping[str, Sequence[str]]) -> str:
    """What, besides the content of the rule files, decides what they compile to; and which set of files it is."""
    try:
        parser = version("pysigma")
    except PackageNotFoundError:
        parser = "?"
    named = {name: list(values) for name, values in sorted(placeholders.items())}
    ours = sorted(_stamps(Path(__file__).parent))
    where = [str(path.absolute()) for path in paths]
    spelled = msgspec.json.encode([ours, parser, unicodedata.unidata_version, named, where])
    return hashlib.sha256(spelled).hexdigest()[:32]


def _stamps(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of the modules that compile: another compiler may make something else of the same rule."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _stamps(Path(entry.path))
            elif entry.name.endswith(".py"):
                status = entry.stat()
                yield entry.name, status.st_size, status.st_mtime_ns


def read(folder: Path, key: str) -> dict[str, list[Entry]]:
    """The entries by digest of their file; empty where there is no cache that can be trusted and read."""
    try:
        data = _bytes(folder / f"{key}.json")
        if not data.startswith(_MAGIC) or data[len(_MAGIC) :][:32] != _checksum(data):
            return {}
        files = _Files.decode(memoryview(data)[len(_MAGIC) + 32 :])
    except (OSError, msgspec.DecodeError, ValueError, RecursionError):
        return {}
    return {file.digest: file.entries for file in files}


def write(folder: Path, key: str, files: Sequence[File]) -> bool:
    """Keep `files` under `key`; False where the folder cannot be had or written."""
    body = msgspec.json.encode(files)
    temporary = ""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")  # mode 0600
        with os.fdopen(handle, "wb") as out:
            out.write(_MAGIC + hashlib.sha256(body).digest() + body)
        Path(temporary).replace(folder / f"{key}.json")
        _prune(folder)
    except OSError:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        return False
    return True


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(memoryview(data)[len(_MAGIC) + 32 :]).digest()


def _bytes(path: Path) -> bytes:
    """The content of a file that is this user's own; raises OSError otherwise."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            raise OSError("not a cache file")
        if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & 0o022):
            raise OSError("not this user's own")
        return file.read()


def _prune(folder: Path) -> None:
    kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[_MOST_FILES:]:
        path.unlink()
