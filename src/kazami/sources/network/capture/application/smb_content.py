"""What passed of files over SMB: parts of them that were read or written, put together where none is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from kazami.wire.smb import Part

#: Files of one connection that are put together, parts of one of them, and bytes of all.
MAX_FILES, MAX_PARTS, MAX_BYTES = 64, 2000, 1 << 20


class Content(NamedTuple):
    """A file as far as it passed; `total` is None where nobody says how long it is. `at` is where its first part was asked for."""

    name: str
    data: bytes
    total: int | None
    from_client: bool
    at: int


@dataclass(slots=True)
class _File:
    name: str
    size: int  # when it was opened
    closed: bool = False
    at: int = 0
    parts: dict[bool, dict[int, bytes]] = field(
        default_factory=dict
    )  # by whether the client sent them, by place


class Contents:
    """Takes parts of the files of one connection."""

    def __init__(self) -> None:
        self._open: dict[bytes, _File] = {}
        self._files: list[_File] = []
        self._bytes = 0

    def open(self, number: bytes, name: str, size: int) -> None:
        """A file was opened, and is `size` bytes long."""
        self._open[number] = _File(name, size)

    def take(self, part: Part, from_client: bool, at: int) -> None:
        """Bytes of a file."""
        file = self._open.get(part.file)
        if file is None or not part.data or self._bytes + len(part.data) > MAX_BYTES:
            return
        if not file.parts:
            if len(self._files) >= MAX_FILES:
                return
            file.at = at
            self._files.append(file)
        parts = file.parts.setdefault(from_client, {})
        if len(parts) < MAX_PARTS and part.place not in parts:
            parts[part.place] = part.data
            self._bytes += len(part.data)

    def close(self, number: bytes) -> None:
        """A file was closed."""
        file = self._open.pop(number, None)
        if file is not None:
            file.closed = True

    def contents(self) -> Iterator[Content]:
        """Every file of which something passed: what was read or written from its beginning on, without gaps."""
        for file in self._files:
            for from_client, parts in file.parts.items():
                data, rest = _joined(parts)
                total = None if rest or (from_client and not file.closed) else len(data)
                if not from_client:
                    total = file.size or total
                if data:
                    yield Content(file.name.rpartition("\\")[2], data, total, from_client, file.at)


def _joined(parts: dict[int, bytes]) -> tuple[bytes, bool]:
    """Bytes from the beginning on, and whether some lie behind a gap."""
    pieces: list[bytes] = []
    have = 0
    for place in sorted(parts):
        if place > have:
            return b"".join(pieces), True
        fresh = parts[place][have - place :]
        pieces.append(fresh)
        have += len(fresh)
    return b"".join(pieces), False
