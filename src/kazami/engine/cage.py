"""Work on hostile bytes, in processes that may die: bounded memory, processor time, files; killed when they fall silent.

`engine.local` runs our own readers over evidence and loses nothing when one dies. This runs parsers of formats that attackers write,
and what matters is what is known when one dies: each answer is told as soon as it is there, and a note says what was
going on. Limits are those of ``setrlimit(2)``; where the system has none, silence alone is bounded. Answers are bytes, never
pickles: whoever took over a worker must not get further.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, TypeVar

from kazami.engine import memory
from kazami.engine.local import can_fork, ending, interrupts_wait
from kazami.engine.worker import detach

T = TypeVar("T")

#: Bytes of a note.
_NOTE = 256
#: Tasks after which a worker makes room for a fresh one: what parsers leak is bounded too.
_RECYCLED = 500
_STILLBORN = 5
#: Bytes of an answer.
_ANSWER = 256 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """`memory` is bytes of address space beyond what a worker has when it starts, `cpu` seconds of one task, `files` how many
    may be open, `written` bytes of one file, `patience` seconds without a new note or answer."""

    memory: int = 1 << 30
    cpu: int = 150
    files: int = 64
    written: int = 256 << 20
    patience: float = 15.0


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """One answer of a task."""

    task: T
    value: bytes


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """All answers of a task are there."""

    task: T


@dataclass(frozen=True, slots=True)
class Died(Generic[T]):
    """The worker of a task is gone: why, and the last note that it left."""

    task: T
    reason: str
    note: str


Note = Callable[[str], None]
Work = Callable[[T, Note], Iterator[bytes]]


class _Cage(Generic[T]):
    """One worker process, as the parent sees it."""

    def __init__(self, work: Any, bounds: Bounds, others: list[Connection]) -> None:
        forked = can_fork()
        context: Any = multiprocessing.get_context("fork" if forked else "spawn")
        self.pipe, theirs = context.Pipe()
        self._note = context.RawArray("c", _NOTE)
        inherited = [*others, self.pipe] if forked else []
        self.process = context.Process(
            target=_live, args=(theirs, work, bounds, self._note, inherited), daemon=True
        )
        with interrupts_wait():
            self.process.start()
        theirs.close()
        self.task: T | None = None
        self.done = 0
        self._seen, self._since = "", time.monotonic()

    @property
    def note(self) -> str:
        """What the worker said that it does."""
        return bytes(self._note.raw).split(b"\0", 1)[0].decode("utf-8", "replace")

    def begin(self, task: T) -> bool:
        """Give it a task; False where nobody is there to take it."""
        self.task, self._since = task, time.monotonic()
        try:
            self.pipe.send(task)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def heard(self) -> None:
        """It has said something."""
        self._since = time.monotonic()

    def silent(self, waited: float) -> float:
        """Seconds without a word or a new note; time in which we were suspended ourselves is not counted."""
        if self.note != self._seen:
            self._seen = self.note
            self._since = time.monotonic()
        if waited > 5.0:
            self._since += waited
        return time.monotonic() - self._since

    def end(self) -> str:
        """Kill it; gives how it ended."""
        self.process.join(0.2)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            self.process.join()
        self.pipe.close()
        reason = ending(code) if code is not None else ""
        self.process.close()
        return reason


class Cages(Generic[T]):
    """Workers for `work(task, note)`, a generator of answers; a context manager. Tasks and answers can be pickled."""

    def __init__(self, work: Work[T], bounds: Bounds, *, workers: int) -> None:
        self._work, self._bounds = work, bounds
        self._free: list[_Cage[T]] = []
        self._busy: list[_Cage[T]] = []
        self._unborn = 0
        for _ in range(workers):
            self._add()

    def __enter__(self) -> Cages[T]:
        return self

    def __exit__(self, *_: object) -> None:
        for cage in (*self._busy, *self._free):
            cage.process.kill()
            cage.end()
        self._busy, self._free = [], []

    def _add(self) -> None:
        others = [cage.pipe for cage in (*self._busy, *self._free)]
        self._free.append(_Cage(self._work, self._bounds, others))

    def run(self, tasks: Iterable[T]) -> Iterator[Said[T] | Ended[T] | Died[T]]:
        """Answers of all tasks as they come. The caller may give a task that died again, in the next call."""
        waiting = iter(tasks)
        more = True
        while more or self._busy:
            while more and self._free:
                task = next(waiting, None)
                if task is None:
                    more = False
                    break
                cage = self._free.pop()
                self._busy.append(cage)
                if not cage.begin(task):
                    yield self._bury(cage, "the worker was gone")
            if self._busy:
                yield from self._hear()

    def _hear(self) -> Iterator[Said[T] | Ended[T] | Died[T]]:
        before = time.monotonic()
        ready = wait([cage.pipe for cage in self._busy], timeout=0.25)
        waited = time.monotonic() - before
        for cage in list(self._busy):
            if cage.pipe in ready:
                yield from self._answer(cage)
            elif (silence := cage.silent(waited)) > self._bounds.patience:
                cage.process.kill()
                yield self._bury(cage, f"no sign of life for {silence:.0f} s")

    def _answer(self, cage: _Cage[T]) -> Iterator[Said[T] | Ended[T] | Died[T]]:
        assert cage.task is not None, "who answers has a task"
        try:
            answer = cage.pipe.recv_bytes(_ANSWER)
        except (EOFError, OSError):  # gone, or says more than anybody may
            cage.process.join(1.0)
            yield self._bury(cage, "")
            return
        self._unborn = 0
        cage.heard()
        if answer:
            yield Said(cage.task, answer)
            return
        task, cage.task = cage.task, None
        cage.done += 1
        self._busy.remove(cage)
        if cage.done >= _RECYCLED:
            cage.process.kill()
            cage.end()
            self._add()
        else:
            self._free.append(cage)
        yield Ended(task)

    def _bury(self, cage: _Cage[T], reason: str) -> Died[T]:
        assert cage.task is not None, "who dies at work has a task"
        self._busy.remove(cage)
        note = cage.note
        how = cage.end()
        self._unborn += not cage.done and not note
        if self._unborn > _STILLBORN:
            raise RuntimeError(f"no worker comes to work: {reason or how}")
        self._add()
        return Died(cage.task, reason or f"the worker ended with {how or 'a broken answer'}", note)


def _live(pipe: Connection, work: Any, bounds: Bounds, note: Any, inherited: list[Connection]) -> None:
    """The life of a worker."""
    for other in inherited:
        other.close()
    detach()
    memory.share()  # a pool of its own reserves a gigabyte at once, which is all that may be had here
    _bind(bounds)

    def leave(text: str) -> None:
        note.value = text.encode("utf-8", "replace")[: _NOTE - 1]

    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)
        _bind_cpu(bounds.cpu)
        for value in work(task, leave):
            pipe.send_bytes(value)
        pipe.send_bytes(b"")


def _bind(bounds: Bounds) -> None:
    """No more memory, files and output than allowed, and no core dump; never more than we may have already."""
    if sys.platform == "win32":
        return
    import resource

    for kind, value in (
        (resource.RLIMIT_AS, _address_space() + bounds.memory),
        (resource.RLIMIT_NOFILE, bounds.files + _open_files()),
        (resource.RLIMIT_FSIZE, bounds.written),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS knows RLIMIT_AS and will not set it
            resource.setrlimit(kind, (value, value))


def _bind_cpu(seconds: int) -> None:
    """From now on `seconds` of processor time, then the system ends us."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    value = int(used.ru_utime + used.ru_stime) + seconds + 1
    if hard == resource.RLIM_INFINITY or value < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (value, hard))


def _address_space() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 4 << 30
    return pages * os.sysconf("SC_PAGE_SIZE")


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return 256
