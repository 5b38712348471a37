"""Unpacked content at rest: small in memory, large in a temporary file that has no name and dies with us."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from threading import Lock
from typing import Any, BinaryIO, NamedTuple


class Spool(NamedTuple):
    """Content with its size in bytes and the hexadecimal SHA-256; `open` gives a fresh, seekable stream.

    `fault` is what ended the content early: the temporary disk being full, say.
    """

    open: Callable[[], BinaryIO]
    size: int
    digest: str
    fault: OSError | None = None


def fill(content: Iterable[bytes], in_memory: int, folder: str | None = None) -> Spool:
    """Take all of `content`; errors of `content` itself come through."""
    digest, parts, size = hashlib.sha256(), list[bytes](), 0
    tape: Tape | None = None
    fault = None
    for piece in content:
        if tape is None and size + len(piece) > in_memory:
            tape, fault = _on_disk(parts, folder)
        if tape is None:
            parts.append(piece)
        elif fault is None:
            fault = tape.append(piece)
        if fault is not None:
            break
        digest.update(piece)
        size += len(piece)
    if tape is None:
        return Spool(_Kept(b"".join(parts)), size, digest.hexdigest(), fault)
    return Spool(partial(tape.open, 0, size), size, digest.hexdigest(), fault)


class _Kept:
    """Opens bytes in memory. A partial would show all of them in every traceback."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __call__(self) -> BinaryIO:
        return io.BytesIO(self._data)


def _on_disk(parts: list[bytes], folder: str | None) -> tuple[Tape | None, OSError | None]:
    """A tape with `parts`, which are given up; the error instead where the disk does not take them."""
    try:
        tape = Tape(folder)
    except OSError as error:
        return None, error
    if fault := tape.append(b"".join(parts)):
        return None, fault
    parts.clear()
    return tape, None


class Tape:
    """A temporary file without a name, written at its end, read anywhere by any number of readers."""

    def __init__(self, folder: str | None = None) -> None:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            self._fd = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._fd)
        self._lock = Lock()
        self.size = 0

    def append(self, piece: bytes) -> OSError | None:
        """Write `piece` at the end; the error where the disk does not take all of it."""
        view = memoryview(piece)
        try:
            with self._lock:
                os.lseek(self._fd, self.size, os.SEEK_SET)
                while view:
                    view = view[os.write(self._fd, view) :]
        except OSError as error:
            return error
        self.size += len(piece)
        return None

    def read(self, position: int, count: int) -> bytes:
        """At most `count` bytes from `position`."""
        if hasattr(os, "pread"):
            return os.pread(self._fd, count, position)
        with self._lock:
            os.lseek(self._fd, position, os.SEEK_SET)
            return os.read(self._fd, count)

    def open(self, start: int, stop: int) -> BinaryIO:
        """A stream of its own over the bytes from `start` to `stop`."""
        return io.BufferedReader(_Reader(self, start, stop), 1 << 16)


class _Reader(io.RawIOBase):
    def __init__(self, tape: Tape, start: int, stop: int) -> None:
        self._tape, self._start, self._size, self._at = tape, start, stop - start, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = max(min(len(buffer), self._size - self._at), 0)
        data = self._tape.read(self._start + self._at, count) if count else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = (0, self._at, self._size)[whence]
        if origin + offset < 0:
            raise ValueError("a position before the start")
        self._at = origin + offset
        return self._at

    def tell(self) -> int:
        return self._at
