"""The attribute certificate table of a PE file, and the digest that leaves it out ("Windows Authenticode Portable Executable
Signature Format", Microsoft 2008).

Read from the bytes and not through a parser, because what matters is what lies there beyond what a parser wants.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

_ENTRIES = 16  # that are looked at
_PKCS7 = 2
#: Magic of the optional header, and where in it the data directories begin: of 32 and of 64 bits.
KINDS = {0x10B: 96, 0x20B: 112}
_SECURITY = 4


@dataclass(frozen=True, slots=True)
class Table:
    """Where things are, in bytes of the file. `size` is 0 where nothing is signed; `entries` are (offset, DER, rest of the entry)."""

    checksum: int
    directory: int
    offset: int
    size: int
    entries: tuple[tuple[int, bytes, bytes], ...] = ()
    after: bytes = b""  # in the table, behind its last entry
    cut: bool = False  # the table reaches beyond the file

    def digest(self, data: bytes, algorithm: str) -> bytes:
        """The Authenticode digest: all but the checksum, the table and where the header says that it is.

        Raises ValueError for an unknown algorithm.
        """
        digest = hashlib.new(algorithm, usedforsecurity=False)
        view = memoryview(data)
        digest.update(view[: self.checksum])
        digest.update(view[self.checksum + 4 : self.directory])
        digest.update(view[self.directory + 8 : self.offset])
        digest.update(view[self.offset + self.size :])
        return digest.digest()


def header(data: bytes) -> int:
    """Where the PE header begins, or -1."""
    at = int.from_bytes(data[60:64], "little")
    return at if data[:2] == b"MZ" and data[at : at + 4] == b"PE\0\0" else -1


def table(data: bytes) -> Table | None:
    """The table of a PE file; None where the header has no room for one."""
    optional = header(data) + 24
    start = KINDS.get(int.from_bytes(data[optional : optional + 2], "little"))
    if optional < 24 or start is None or len(data) < optional + start + 8 * (_SECURITY + 1):
        return None
    directory = optional + start + 8 * _SECURITY
    (many,) = struct.unpack_from("<I", data, optional + start - 4)
    offset, size = struct.unpack_from("<II", data, directory)
    if many <= _SECURITY or not offset or not size:
        return Table(optional + 64, directory, len(data), 0)
    end = min(offset + size, len(data))
    if offset < directory + 8 or offset >= len(data):
        return Table(optional + 64, directory, len(data), 0, cut=True)
    entries, at = _entries(data, offset, end)
    return Table(optional + 64, directory, offset, end - offset, entries, data[at:end], end < offset + size)


def _entries(data: bytes, at: int, end: int) -> tuple[tuple[tuple[int, bytes, bytes], ...], int]:
    found: list[tuple[int, bytes, bytes]] = []
    while at + 8 <= end and len(found) < _ENTRIES:
        length, _, kind = struct.unpack_from("<IHH", data, at)
        if length < 8 or at + length > end:
            break
        content = data[at + 8 : at + length]
        if kind == _PKCS7:
            der = _der_length(content)
            found.append((at + 8, content[:der], content[der:]))
        at = min(end, (at + length + 7) & ~7)
    return tuple(found), at


def _der_length(content: bytes) -> int:
    """Bytes of the first DER value, of which the rest of an entry is no part."""
    if len(content) < 2 or content[1] < 0x80:
        return min(len(content), 2 + content[1]) if len(content) > 1 else 0
    octets = content[1] & 0x7F
    return min(len(content), 2 + octets + int.from_bytes(content[2 : 2 + min(octets, 8)], "big"))
