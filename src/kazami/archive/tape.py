"""Tar archives, read once from front to back; damaged headers are noted, and what follows them is still read."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import Any, ClassVar

from kazami.archive import Fault, Member
from kazami.archive.budget import Budget
from kazami.archive.name import decoded
from kazami.archive.stream import PIECE, Stream, paid, pieces, reason


def members(stream: Stream, budget: Budget) -> Iterator[Member | Fault]:
    """The regular files of the tar in `stream`; links and devices are named as such, never followed."""

    class Header(_Header):
        damages: ClassVar[list[str]] = []

    try:
        with tarfile.open(
            fileobj=stream,
            mode="r|",
            tarinfo=Header,
            ignore_zeros=True,
            errors="surrogateescape",
            encoding="utf-8",  # type: ignore[call-overload]
        ) as archive:
            for info in archive:
                yield from _damages(Header, stream)
                if not info.isdir():
                    yield _member(archive, info, budget)
    except Exception as error:  # noqa: BLE001 - whatever the library raises on hostile headers
        yield Fault("", f"byte {stream.position:,}", reason(error))
    yield from _damages(Header, stream)


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo, budget: Budget) -> Member | Fault:
    name = decoded(info.name.encode("utf-8", "surrogateescape"))
    if not info.isreg():
        return Fault(name, "", "a link or special file, not followed", 0)
    content = _sparse(archive, info) if info.issparse() else _plain(archive.fileobj, info)
    return Member(name, paid(content, budget), int(info.mtime * 1_000_000))


def _plain(stream: Any, info: tarfile.TarInfo) -> Iterator[bytes]:
    """The content itself: the library's own reader loses the last piece of an archive that is cut."""
    stream.seek(info.offset_data)
    left = info.size
    while left:
        piece = stream.read(min(left, PIECE))
        if not piece:
            raise EOFError(f"ends too early: {left:,} bytes are missing")
        left -= len(piece)
        yield piece


def _sparse(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    content = archive.extractfile(info)
    if content is not None:
        yield from pieces(content.read)


class _Header(tarfile.TarInfo):
    """Notes each header that cannot be read; the library passes over them without a word."""

    damages: ClassVar[list[str]]

    @classmethod
    def frombuf(cls, buf: Any, encoding: Any, errors: Any) -> Any:
        try:
            return super().frombuf(buf, encoding, errors)
        except (tarfile.EmptyHeaderError, tarfile.EOFHeaderError):  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            cls.damages.append(str(error))
            raise


def _damages(header: type[_Header], stream: Stream) -> Iterator[Fault]:
    if header.damages:
        count, why = len(header.damages), header.damages[0]
        yield Fault("", f"before byte {stream.position:,}", f"{count:,} unreadable header blocks: {why}")
        header.damages.clear()
