"""Whatever has hashes in it: lists, the output of ``sha256sum``, hashlookup's JSON lines; a statement a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kazami.intel.reputation.label import Label
from kazami.intel.reputation.shelf import Statement

_HASH = re.compile(rb"(?<![0-9a-fA-F])([0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![0-9a-fA-F])")

#: Bytes of a line that are looked at.
_LINE = 1 << 16


def fits(_: Path, head: bytes) -> bool:
    """At least one hash among the first lines."""
    return _HASH.search(head) is not None


def statements(file: Path, about: Label) -> Iterator[Statement]:
    """The strongest hash of each line; a line without one is passed over (it may be a heading)."""
    with file.open("rb") as stream:
        while line := stream.readline(_LINE):
            found = _HASH.findall(line)
            if found:
                yield Statement(max(found, key=len).decode("ascii"), about)
