"""One writer a case, any number of readers, by locks that the operating system takes back from the dead.

Bytes of the file ``lock``: 0 is held by the writer as long as it has the case open; 1 by the writer while it
changes ``case.duckdb``, and by readers while they copy it; 2 by readers that read ``case.duckdb`` itself, for
whose end a writer waits. From byte 8 on the file says who writes, for the message to others.

Locks of POSIX belong to a process and are not inherited by its children, so a worker that outlives a killed
scan does not keep the case locked. They fall as soon as *any* descriptor of the file is closed: so each process
opens the file once, here, and counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from kazami.errors import CaseError
from kazami.store.bytelock import lock, unlock

NAME = "lock"
_WRITER, _CHANGE, _READERS, _WORDS = 0, 1, 2, 8

#: Seconds that others may need to copy or to commit, and that readers may need to end.
BUSY, READING = 30.0, 10.0

_guard = threading.Lock()
_handles: dict[str, _Handle] = {}


class _Handle:
    """The lock file of one case in this process; `file` is None where it cannot be made: nobody writes there."""

    def __init__(self, case: Path) -> None:
        self.case = case
        self.users = 0
        self.readers = 0
        self.writes = False
        self.thread = threading.RLock()  # byte 1, between threads
        self.file: int | None = None
        self.refusal: str | None = None  # why nobody can write here
        try:
            self.file = os.open(case / NAME, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            self.refusal = error.strerror
            with contextlib.suppress(OSError):
                self.file = os.open(case / NAME, os.O_RDONLY)

    def wait(self, byte: int, patience: float, who: str, *, shared: bool = False) -> None:
        """Take a lock that others give back soon; CaseError where they do not."""
        end = time.monotonic() + patience
        while self.file is not None and not _try(self, byte, shared=shared):
            if time.monotonic() > end:
                raise CaseError(f"{self.case}: {who} for {patience:.0f} s; try again after it")
            time.sleep(0.005)

    def free(self, byte: int) -> None:
        """Give a lock back."""
        if self.file is not None:
            unlock(self.file, byte)


@contextlib.contextmanager
def _handle(case: Path) -> Iterator[_Handle]:
    """This process's handle; closed when its last user leaves."""
    key = os.path.realpath(case)
    with _guard:
        handle = _handles.get(key) or _Handle(case)
        _handles[key] = handle
        handle.users += 1
    try:
        yield handle
    finally:
        with _guard:
            handle.users -= 1
            if not handle.users:
                del _handles[key]
                if handle.file is not None:
                    os.close(handle.file)


class WriterLock:
    """The right to write a case, from construction to `release`. Raises CaseError where another has it."""

    def __init__(self, case: Path, command: str) -> None:
        with contextlib.ExitStack() as stack:
            self._handle = stack.enter_context(_handle(case))
            with self._handle.thread:
                _take(self._handle, command)
            stack.callback(self._give_back)
            self._handle.wait(_READERS, READING, "another program has been reading it")
            self._handle.free(_READERS)
            self._stack = stack.pop_all()

    def _give_back(self) -> None:
        self._handle.writes = False
        self._handle.free(_WRITER)

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """While the database is changed: no reader copies it meanwhile."""
        with self._handle.thread:
            self._handle.wait(_CHANGE, BUSY, "another program has been copying it")
            try:
                yield
            finally:
                self._handle.free(_CHANGE)

    def release(self) -> None:
        """Give the right back; may be called twice."""
        self._stack.close()


class ReaderLock:
    """The wish to read a case, from construction to `release`: no writer begins meanwhile.

    Where one has begun already, `is_written` is true; the database can then only be copied, inside `copying`.
    """

    def __init__(self, case: Path) -> None:
        with contextlib.ExitStack() as stack:
            self._handle = handle = stack.enter_context(_handle(case))
            with handle.thread:
                handle.wait(_READERS, BUSY, "another program has been opening it", shared=True)
                handle.readers += 1
                stack.callback(self._give_back)
                self.is_written = handle.writes or not self._may_write()
            self._stack = stack.pop_all()

    def _may_write(self) -> bool:
        handle = self._handle
        if handle.file is None:
            return True
        free = _try(handle, _WRITER, shared=True)
        if free:
            handle.free(_WRITER)
        return free

    def _give_back(self) -> None:
        with self._handle.thread:
            self._handle.readers -= 1
            if not self._handle.readers:
                self._handle.free(_READERS)

    @contextlib.contextmanager
    def copying(self) -> Iterator[None]:
        """While inside, nobody changes the database."""
        with self._handle.thread:
            self._handle.wait(_CHANGE, BUSY, "another program has been changing it", shared=True)
            try:
                yield
            finally:
                self._handle.free(_CHANGE)

    def release(self) -> None:
        """Let writers in; may be called twice."""
        self._stack.close()


def _take(handle: _Handle, command: str) -> None:
    if handle.writes or handle.readers:
        raise CaseError(f"{handle.case}: is already open in this process")
    if handle.file is None or handle.refusal is not None:
        raise CaseError(f"{handle.case}: cannot be written: {handle.refusal}")
    attempts = 0
    while not _try(handle, _WRITER):  # a reader that looks whether somebody writes is gone in a moment
        attempts += 1
        if attempts < 20:
            time.sleep(0.01)
            continue
        raise CaseError(
            f"{handle.case}: is being written by {_words(handle.file)}; wait for its end, or end it"
        )
    words = json.dumps({"pid": os.getpid(), "command": command, "since": time.strftime("%F %T")})
    try:
        os.lseek(handle.file, _WORDS, os.SEEK_SET)
        os.write(handle.file, words.encode()[:1000].ljust(1000))
    except OSError as error:
        unlock(handle.file, _WRITER)
        raise CaseError(f"{handle.case}: cannot be written: {error.strerror}") from error
    handle.writes = True


def _try(handle: _Handle, byte: int, *, shared: bool = False) -> bool:
    assert handle.file is not None, "who locks has opened the file"
    try:
        return lock(handle.file, byte, shared=shared)
    except OSError as error:
        raise CaseError(f"{handle.case}: cannot be locked: {error.strerror}") from error


def _words(file: int) -> str:
    """Who writes. The command is data: it is printed as one line, without control codes."""
    try:
        os.lseek(file, _WORDS, os.SEEK_SET)
        words = json.loads(os.read(file, 2000))
        text = f"process {words['pid']} ({words['command']}) since {words['since']}"
        return "".join(c if c.isprintable() else "?" for c in text)
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
