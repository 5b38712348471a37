"""Archives made for tests, and what a walk over one gives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import py7zr
import pyzipper
import zstandard

from kazami.archive.budget import Limits
from kazami.model.event import rejects
from kazami.model.evidence import Evidence

LOG = b"".join(b"2020-10-05T20:43:58Z line %d of a log\n" % n for n in range(2000))
SMALL = Limits(unpacked=1 << 20, ratio=100, ratio_from=1 << 16, members=50)


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zst,
}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_600_000_000
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


def sevenzipped(members: dict[str, bytes], password: str | None = None, hide_names: bool = False) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password, header_encryption=hide_names) as file:
        for name, data in members.items():
            file.writestr(data, name)
    return out.getvalue()


def encrypted(members: dict[str, bytes], password: str) -> bytes:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w", pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as file:
        file.setpassword(password.encode())
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


class Found:
    """What came of one file: contents by name, and rejects."""

    def __init__(self, rows: Iterator[Evidence | dict[str, Any]]) -> None:
        self.evidence: list[Evidence] = []
        self.contents: dict[str, bytes] = {}
        self.rejects: list[dict[str, Any]] = []
        for item in rows:
            if isinstance(item, Evidence):
                with item.open() as stream:
                    self.contents[item.name.split("!", 1)[-1]] = stream.read()
                self.evidence.append(item)
            else:
                self.rejects.append(item)
        rejects(self.rejects)  # the rows are in the words of the schema

    @property
    def reasons(self) -> str:
        return " | ".join(f"{r['name']} ({r['place']}): {r['reason']}" for r in self.rejects)


Unpack = Callable[..., Found]
