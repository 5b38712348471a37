"""The items of a baseline as a file: lines of JSON, packed; its hash stands in the register, so that a change of it shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import zstandard

from kazami.errors import CaseError
from kazami.model.change import Item

#: Bytes of lines that one baseline may hold.
LARGEST = 2 << 30

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(Item).decode


def write(path: Path, items: Iterable[Item]) -> str:
    """Write a new file, whole or not at all: its SHA-256. Raises CaseError where it cannot be written."""
    part = path.with_name(f".{path.name}.part")
    packed = zstandard.ZstdCompressor(level=3)
    try:
        with part.open("xb") as file, packed.stream_writer(file, closefd=False) as out:
            for item in items:
                out.write(_ENCODE(item) + b"\n")
        part.chmod(0o600)
        part.replace(path)
    except OSError as error:
        raise CaseError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return _hash(path)


def read(path: Path, sha256: str) -> Iterator[Item]:
    """The items of a file. Raises CaseError where it is not the one with this hash, or cannot be read."""
    if _hash(path) != sha256:
        raise CaseError(f"{path}: was changed after it was made: its hash is not the one in the register")
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as lines:
            yield from _items(lines)
    except (OSError, msgspec.MsgspecError, zstandard.ZstdError) as error:
        raise CaseError(f"{path}: cannot be read: {error}") from error


def _items(lines: zstandard.ZstdDecompressionReader) -> Iterator[Item]:
    taken, rest = 0, b""
    while piece := lines.read(1 << 20):
        taken += len(piece)
        if taken > LARGEST:
            raise OSError(27, f"holds more than {LARGEST:,} bytes")
        *whole, rest = (rest + piece).split(b"\n")
        yield from map(_DECODE, whole)


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CaseError(f"{path}: cannot be read: {error.strerror}") from error
