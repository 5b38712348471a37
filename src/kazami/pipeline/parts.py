"""Evidence as steps of a scan: files, and stretches of files that are too large for one worker."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from stat import S_ISLNK

from kazami.model.evidence import Evidence
from kazami.pipeline.reader import HEAD, sources
from kazami.pipeline.task import Part
from kazami.sources.identify import identify
from kazami.sources.walk import File
from kazami.store import case as store

#: Names that are none of a file's own.
_RELATIVE = frozenset({"", ".", ".."})

#: Files above this many bytes are read in stretches of it, where their format allows.
STRETCH = 16 << 20


def parts(files: Iterable[File]) -> Iterator[Part]:
    """The steps that read `files`, in their order."""
    _real.cache_clear()  # links, and where we are, may have changed since
    for file in files:
        whole = Part(uid(file), file.path, file.size, file.tenant)
        if file.size <= STRETCH:
            yield whole
        else:
            yield from (replace(whole, start=start, stop=stop) for start, stop in _stretches(file))


def uid(file: File) -> str:
    """16 hex digits that change when the file does: its path, size and time of change.

    Not its content: reading all of it once more would cost more than decoding it, and a copy elsewhere is read again
    without harm, because equal records have equal uids.
    """
    try:
        found = os.lstat(file.path)
        linked = S_ISLNK(found.st_mode)
        changed = os.stat(file.path).st_mtime_ns if linked else found.st_mtime_ns  # noqa: PTH116 - of many thousands
    except OSError:
        linked, changed = True, 0
    folder, name = os.path.split(file.path)
    whole = linked or name in _RELATIVE
    real = os.path.realpath(file.path) if whole else f"{_real(folder)}{os.sep}{name}"
    text = f"{real}\0{file.size}\0{changed}"
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@lru_cache(1024)
def _real(folder: str) -> str:
    """The folder without links; files of one folder mostly follow each other."""
    return os.path.realpath(folder)


def _stretches(file: File) -> list[tuple[int, int | None]]:
    try:
        path = Path(file.path)
        with path.open("rb") as stream:
            head = stream.read(HEAD)
        name, _ = identify(file.path, head, sources())
        source = next((one.object for one in sources() if one.name == name), None)
        split = getattr(source, "split", None)
        if split is None:
            return [(0, None)]
        evidence = Evidence(file.path, "", file.tenant, file.size, lambda: path.open("rb"), path)
        return list(split(evidence, STRETCH)) or [(0, None)]
    except OSError:
        return [(0, None)]  # the worker says why it cannot be read


def left(todo: Iterable[Part], done: set[store.Part], stored: set[store.Part]) -> Iterator[Part]:
    """What an earlier scan has not done; where only the rules are new, events need not be stored again."""
    for part in todo:
        key = store.Part(part.uid, part.start, part.stop, part.tenant)
        if key not in done:
            yield replace(part, store=key not in stored)
