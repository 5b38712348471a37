"""Rules from files and folders: all that was handed over ends loaded, or rejected with a reason.

What stands in one file is compiled by `entry` and kept by `cache`. Here the files meet: duplicate ids, filters, and
the references of correlations.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kazami.detect.sigma import cache as kept
from kazami.detect.sigma import files
from kazami.detect.sigma.gather import Gathered
from kazami.detect.sigma.rule import RuleSet
from kazami.detect.sigma.stored import LARGEST_FILE, Entry, File
from kazami.model.rule import Rejected

_WORTH_PROCESSES = 200  # files to compile; below, starting processes costs more than it gives


def load(
    paths: Sequence[Path],
    *,
    placeholders: Mapping[str, Sequence[str]] | None = None,
    cache: Path | None = None,
    workers: int = 1,
) -> RuleSet:
    """The rules, filters and correlations that `paths` (files, and folders of ``.yml`` and ``.yaml``) hold.

    `placeholders` gives the values of names such as ``%Servers%``. `cache` is a folder for compiled rules
    (`cache.default_folder()` is the user's own), None for none. With more than one worker, much to compile is shared
    out to processes. Raises `UsageError` where a path does not exist.
    """
    named = placeholders or {}
    gathered = Gathered()
    contents = _read(files.find(paths), gathered)
    key = kept.key(paths, named) if cache else ""
    known = kept.read(cache, key) if cache else {}
    missing = {digest: data for _, digest, data in contents if digest not in known}
    fresh = _compile(missing, named, workers)
    if cache and (fresh or len(known) > len(contents)):
        used = dict.fromkeys(digest for _, digest, _ in contents)
        entries = {**known, **fresh}
        gathered.extra["cache_written"] = kept.write(cache, key, [File(d, entries[d]) for d in used])
    gathered.extra["compiled_files"] = len(fresh)
    for path, digest, _ in contents:
        gathered.add(path, fresh[digest] if digest in fresh else known[digest])
    return gathered.finish()


def _read(names: Iterable[str], gathered: Gathered) -> list[tuple[str, str, bytes]]:
    found = []
    for name in names:
        try:
            data = _content(name)
        except OSError as error:
            gathered.rejected.append(Rejected(name, f"cannot be read: {error.strerror}"))
            continue
        found.append((name, hashlib.sha256(data).hexdigest(), data))
    return found


def _content(name: str) -> bytes:
    """The bytes of a file; without `io`, which would be a third of a warm start."""
    handle = os.open(name, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(handle).st_size
        if size > LARGEST_FILE:
            raise OSError(errno.EFBIG, f"{size} bytes; at most {LARGEST_FILE} are read")
        data = os.read(handle, size)
        while len(data) < size and (more := os.read(handle, size - len(data))):
            data += more
        return data
    finally:
        os.close(handle)


def _compile(
    missing: Mapping[str, bytes], placeholders: Mapping[str, Sequence[str]], workers: int
) -> dict[str, list[Entry]]:
    if not missing:
        return {}
    # the compiler and pySigma take a third of a second to import, which a warm start does not have
    from kazami.detect.sigma.entry import entries

    if workers > 1 and len(missing) >= _WORTH_PROCESSES:
        from concurrent.futures.process import BrokenProcessPool  # as slow to import

        from kazami.detect.sigma.processes import compile_all

        with contextlib.suppress(
            BrokenProcessPool
        ):  # a script without a main guard, or no memory: one process will do
            return compile_all(missing, placeholders, workers)
    return {digest: entries(data, placeholders) for digest, data in missing.items()}
