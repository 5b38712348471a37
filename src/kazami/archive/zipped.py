"""Zip archives (APPNOTE 6.3.10), encrypted ones too.

The directory is read by the library; contents are decoded here, so that a damaged member gives all that comes
before the damage. Encrypted members go through the libraries (ZipCrypto, WinZip AES).
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO

from kazami.archive import Fault, Member, salvage
from kazami.archive.budget import Budget
from kazami.archive.compressed import Read, bunzip2, inflate, inflate64, unzstd
from kazami.archive.name import reencoded
from kazami.archive.salvage import LOCAL
from kazami.archive.stream import paid, pieces, reason

_AES = 99
_DIRECTORY = 32 << 20  # bytes of a directory that the library may turn into objects
_FAILURES = 20  # members in a row that no password opens, until no more is tried
_DECODERS: dict[int, Callable[[Read], Iterator[bytes]]] = {
    0: partial(pieces),
    8: inflate,
    9: inflate64,
    12: bunzip2,
    93: unzstd,
}

#: Names in the directory of packages that are documents and programs, not containers of logs.
_PACKAGES = frozenset(("[Content_Types].xml", "META-INF/MANIFEST.MF", "AndroidManifest.xml", "mimetype"))


def members(
    file: BinaryIO, passwords: Sequence[str], budget: Budget, *, packages: bool = False
) -> Iterator[Member | Fault] | None:
    """The members of the zip in `file`; None where it is a package of another kind (a document, a program) and no `packages` are wanted."""
    try:
        if _directory_size(file) > _DIRECTORY:
            raise ValueError(f"its directory is larger than {_DIRECTORY:,} bytes")
        archive = zipfile.ZipFile(file)
    except Exception as error:  # noqa: BLE001 - whatever the library raises on a hostile directory
        return salvage.members(file, reason(error), budget)
    infos = archive.infolist()
    if not packages and any(info.filename in _PACKAGES for info in infos[:8]):
        return None
    return _listed(file, archive, infos, passwords, budget)


def _directory_size(file: BinaryIO) -> int:
    """Bytes of the directory, as the end of the archive announces them; 0 where it has no end."""
    end = file.seek(0, os.SEEK_END)
    start = max(end - (1 << 16) - 22, 0)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 16:
        return 0
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    if size < 0xFFFFFFFF or tail[at - 20 : at - 16] != b"PK\x06\x07":
        return size
    file.seek(int.from_bytes(tail[at - 12 : at - 4], "little"))
    return int.from_bytes(file.read(56)[40:48], "little")


def _listed(
    file: BinaryIO,
    archive: zipfile.ZipFile,
    infos: list[zipfile.ZipInfo],
    passwords: Sequence[str],
    budget: Budget,
) -> Iterator[Member | Fault]:
    keys = _Keys(file, archive, infos, passwords)
    here = [info for info in infos if _begins(file, info.header_offset)]
    if len(here) < len(infos):
        spans = {i.header_offset: _start(file, i.header_offset) + i.compress_size for i in here}
        why = f"it names {len(infos) - len(here):,} members where none begins"
        yield from salvage.members(file, why, budget, spans)
    for info in here:
        if info.filename.endswith("/"):
            continue
        name = info.filename if info.flag_bits & 0x800 else reencoded(info.filename)
        if info.flag_bits & 1:
            key = keys.of(info)
            if key is None:
                yield Fault(name, "", keys.reason(info))
                continue
            content = keys.content(info, key)
        elif info.compress_type in _DECODERS:
            content = _content(file, info)
        else:
            content = _by_library(archive, info)
        yield Member(name, paid(content, budget), _moment(info.date_time))


def _by_library(archive: Any, info: zipfile.ZipInfo, password: bytes | None = None) -> Iterator[bytes]:
    with archive.open(info, pwd=password) as stream:
        yield from pieces(stream.read1)


def _content(file: BinaryIO, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member's content, decoded and checked; raises what the decoder raises, ValueError on a wrong checksum."""
    start = _start(file, info.header_offset)
    check, size = 0, 0
    for piece in _DECODERS[info.compress_type](_part(file, start, info.compress_size)):
        check = zlib.crc32(piece, check)
        size += len(piece)
        yield piece
    if size != info.file_size:
        raise EOFError(f"{size:,} bytes, where {info.file_size:,} were announced")
    if check != info.CRC:
        raise ValueError("its checksum does not fit its content")


def _begins(file: BinaryIO, header: int) -> bool:
    """Whether a member's local header lies at `header`."""
    if header < 0:
        return False
    file.seek(header)
    head = file.read(LOCAL.size)
    return len(head) == LOCAL.size and head.startswith(salvage.SIGNATURE)


def _start(file: BinaryIO, header: int) -> int:
    """Where the content begins whose local header lies at `header`."""
    file.seek(header)
    *_, name, extra = LOCAL.unpack(file.read(LOCAL.size))
    return header + LOCAL.size + int(name) + int(extra)


def _part(file: BinaryIO, start: int, size: int) -> Read:
    """Reads `size` bytes of `file` from `start`, whoever else moves it meanwhile."""
    position, stop = start, start + size

    def read(count: int) -> bytes:
        nonlocal position
        file.seek(position)
        data = file.read(min(count, stop - position))
        position += len(data)
        return data

    return read


def _moment(stamp: tuple[int, ...]) -> int | None:
    """The directory's local time, taken as UTC."""
    try:
        return int(datetime(*stamp, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc, arg-type]
    except ValueError:
        return None


class _Keys:
    """Finds the password of each encrypted member: the last good one first, then all in turn."""

    def __init__(
        self, file: BinaryIO, archive: Any, infos: list[zipfile.ZipInfo], passwords: Sequence[str]
    ) -> None:
        self._archive = archive
        self._infos = {}
        if any(info.compress_type == _AES for info in infos):
            import pyzipper

            self._archive = pyzipper.AESZipFile(file)
            self._infos = {i.header_offset: i for i in self._archive.infolist()}
        spelled = (p.encode(e, "ignore") for p in passwords for e in ("utf-8", "cp932", "cp1252"))
        self._keys = [k for k in dict.fromkeys(spelled) if k]
        self._failures = 0

    def content(self, info: zipfile.ZipInfo, key: bytes) -> Iterator[bytes]:
        return _by_library(self._archive, self._infos.get(info.header_offset, info), key)

    def of(self, info: zipfile.ZipInfo) -> bytes | None:
        for key in self._keys if self._failures < _FAILURES else ():
            if self._opens(info, key):
                self._keys.remove(key)
                self._keys.insert(0, key)
                self._failures = 0
                return key
        self._failures += 1
        return None

    def _opens(self, info: zipfile.ZipInfo, key: bytes) -> bool:
        """Whether `key` is right, as far as one piece of content tells: ZipCrypto's own check is but one byte."""
        try:
            return bool(next(self.content(info, key), b"")) or info.file_size == 0
        except Exception:  # noqa: BLE001 - a wrong key makes any decoder fail in its own way
            return False

    def reason(self, info: zipfile.ZipInfo) -> str:
        kind = "AES" if info.compress_type == _AES else "ZipCrypto"
        return f"encrypted ({kind}), and none of {len(self._keys)} passwords opens it"
