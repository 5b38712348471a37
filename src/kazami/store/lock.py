"""One writer a case, by a lock of the operating system: it falls with its process, however that dies.

Byte 0 of the file ``lock`` is held by the writer as long as it has the case open, byte 1 while it changes
``case.duckdb``, or while a reader copies it. From byte 8 on the file says who writes, for the message to others.
The locks of POSIX belong to a process and are not inherited by its children, so a worker that outlives a killed
scan does not keep the case locked.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from kazami.errors import CaseError

NAME = "lock"
_WRITER, _CHANGE, _WORDS = 0, 1, 8
_PATIENCE = 30.0  # seconds that somebody may need to copy or to commit

#: Writers of this process: a second descriptor on a lock file, once closed, would drop the locks of the first.
_held: dict[str, WriterLock] = {}
_guard = threading.Lock()


class WriterLock:
    """The right to write a case, from construction to `release`. Raises CaseError where another has it."""

    def __init__(self, case: Path, command: str) -> None:
        self._key = os.path.realpath(case)
        self._case = case
        self._thread = threading.RLock()
        with _guard:
            if self._key in _held:
                raise CaseError(f"{case}: is already open for writing in this process")
            try:
                self._file = os.open(case / NAME, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise CaseError(f"{case}: cannot be written: {error.strerror}") from error
            self._take(command)
            _held[self._key] = self

    def _take(self, command: str) -> None:
        try:
            taken = _lock(self._file, _WRITER)
        except OSError as error:
            os.close(self._file)
            raise CaseError(f"{self._case}: cannot be locked: {error.strerror}") from error
        if not taken:
            words = _words(self._file)
            os.close(self._file)
            raise CaseError(f"{self._case}: is being written by {words}; wait for its end, or end it")
        words = json.dumps({"pid": os.getpid(), "command": command, "since": time.strftime("%F %T")})
        os.lseek(self._file, _WORDS, os.SEEK_SET)
        os.write(self._file, words.encode()[:1000].ljust(1000))

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """While the database is changed: no reader copies it meanwhile."""
        with self._thread:
            _wait(self._file, self._case)
            try:
                yield
            finally:
                _unlock(self._file, _CHANGE)

    def release(self) -> None:
        """Give the right back; may be called twice."""
        with _guard:
            if _held.pop(self._key, None) is not None:
                os.close(self._file)


@contextlib.contextmanager
def reading(case: Path) -> Iterator[bool]:
    """While inside, nobody changes the database of `case`. Gives whether somebody has it open for writing."""
    with _guard:
        writer = _held.get(os.path.realpath(case))
    if writer is not None:
        with writer.changing():
            yield True
        return
    try:
        file = os.open(case / NAME, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    except OSError as error:
        raise CaseError(f"{case}: cannot be read: {error.strerror}") from error
    try:
        if _lock(file, _WRITER, shared=True):
            _unlock(file, _WRITER)
            yield False
        else:
            _wait(file, case, shared=True)
            yield True
    finally:
        os.close(file)


def _words(file: int) -> str:
    try:
        os.lseek(file, _WORDS, os.SEEK_SET)
        words = json.loads(os.read(file, 2000))
        return f"process {words['pid']} ({words['command']}) since {words['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _wait(file: int, case: Path, *, shared: bool = False) -> None:
    end = time.monotonic() + _PATIENCE
    while not _lock(file, _CHANGE, shared=shared):
        if time.monotonic() > end:
            raise CaseError(f"{case}: another process has been busy with it for {_PATIENCE:.0f} s")
        time.sleep(0.005)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int, byte: int, *, shared: bool = False) -> bool:
        os.lseek(file, byte, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(file: int, byte: int) -> None:
        os.lseek(file, byte, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: int, byte: int, *, shared: bool = False) -> bool:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.lockf(file, kind | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _unlock(file: int, byte: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, byte)
