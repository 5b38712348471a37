"""What a program in a cage wrote, read from outside while the cage stands. Names in it lead nowhere: each folder is opened by its own handle, links are not followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence

_FILES, _BYTES, _FOLDERS = 200, 20 << 20, 2_000


def written(pid: int, folders: Sequence[str], known: Mapping[str, bytes]) -> tuple[dict[str, bytes], str]:
    """Files below `folders` of the process `pid` that are not `known` as they are; and why some are missing."""
    found: dict[str, bytes] = {}
    left, seen = _BYTES, 0
    root = f"/proc/{pid}/root"
    if not os.path.isdir(root):  # noqa: PTH112 - no permission is no folder
        return {}, "the cage was gone before its files were collected"
    for folder in folders:
        device = None
        for path, below, names, handle in os.fwalk(root + folder, follow_symlinks=False):
            seen += 1
            device = device or os.fstat(handle).st_dev
            if os.fstat(handle).st_dev != device:  # lent from the machine
                below.clear()
                continue
            for name in names:
                inside = f"{path[len(root) :]}/{name}"
                data = _content(name, handle, left)
                if data is None or known.get(inside) == data:
                    continue
                if len(found) >= _FILES or len(data) > left or seen > _FOLDERS:
                    return (
                        found,
                        f"more than {_FILES} files, {_FOLDERS:,} folders or {_BYTES >> 20} MB written",
                    )
                left -= len(data)
                found[inside] = data
    return found, ""


def _content(name: str, folder: int, most: int) -> bytes | None:
    """A plain file's bytes, one more than `most` at the most; None for whatever else."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read(most + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else None
