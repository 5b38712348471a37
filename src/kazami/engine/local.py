"""Kernels on one machine: worker processes that survive what evidence does to them.

A worker is forked (spawned where there is no fork), takes tasks one after the other and yields results. It may keep
work of several tasks back and yield it together; a result covers every task handled before it. So when a worker
dies, by a crash of a parser in C or by the kernel, what it still held is done again by a new one: the task
it died on alone and in pieces, until the piece that kills is known and reported as lost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")
T_contra = TypeVar("T_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)

#: A worker that says nothing for so many seconds is taken for hung, and replaced.
PATIENCE = 300.0

#: Tasks a worker has at hand, so that it need not wait for the parent.
AHEAD = 2


class Handler(Protocol[T_contra, R_co]):
    """What a worker does."""

    def handle(self, task: T_contra) -> Iterator[R_co]:
        """Work on one task. A result covers all tasks that were handled before this one."""
        ...

    def finish(self) -> Iterator[R_co]:
        """The results that are still held back; at least one, if any task was handled since the last."""
        ...


@dataclass(frozen=True, slots=True)
class Done(Generic[T, R]):
    """A result, and the tasks that are complete with it."""

    result: R
    covered: list[T]


@dataclass(frozen=True, slots=True)
class Lost(Generic[T]):
    """A task that no worker survived."""

    task: T
    reason: str


@dataclass(slots=True, eq=False)
class _Worker(Generic[T]):
    process: Any
    pipe: Connection
    waiting: deque[T] = field(default_factory=deque)  # sent, and not covered by a result
    current: int = 0  # how many of these were begun
    heard: float = 0.0
    closing: bool = False


class Pool(Generic[T, R]):
    """Workers that run tasks; a context manager.

    They start at once, so a pool is made before anything that starts threads. `make` makes the handler in the
    worker and can be pickled; tasks are hashable; `divide` gives the pieces of a task, itself if it is one. A task
    that killed a worker is tried once more, in pieces; a piece that kills again is lost. A worker that says
    nothing for `patience` seconds is killed.
    """

    def __init__(
        self,
        make: Callable[[], Handler[T, R]],
        divide: Callable[[T], list[T]],
        *,
        workers: int,
        patience: float = PATIENCE,
    ) -> None:
        self._tasks: Iterator[T] = iter(())
        self._again: deque[T] = deque()
        self._make, self._divide, self._patience = make, divide, patience
        self._workers: list[_Worker[T]] = []
        self._suspects: set[T] = set()
        for _ in range(workers):
            self._add()

    def __enter__(self) -> Pool[T, R]:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _add(self) -> None:
        forked = _can_fork()
        context: Any = multiprocessing.get_context("fork" if forked else "spawn")
        ours, theirs = context.Pipe()
        inherited = [worker.pipe for worker in self._workers] + [ours]
        process = context.Process(
            target=_work, args=(theirs, self._make, inherited if forked else []), daemon=True
        )
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours, heard=time.monotonic()))

    def run(
        self, tasks: Iterable[T], on_wait: Callable[[], None] = lambda: None
    ) -> Iterator[Done[T, R] | Lost[T]]:
        """Results of all tasks as they come, until every task is covered or lost. Once for each pool.

        `on_wait` is called some times a second while there is nothing to yield.
        """
        self._tasks = iter(tasks)
        for worker in list(self._workers):
            self._supply(worker)
        while self._workers:
            ready = wait([worker.pipe for worker in self._workers], timeout=0.25)
            on_wait()
            for worker in [w for w in self._workers if w.pipe in ready]:
                yield from self._listen(worker)
            for worker in list(self._workers):
                if time.monotonic() - worker.heard > self._patience and worker.waiting:
                    yield from self._bury(worker, f"no sign of life for {self._patience:.0f} s")

    def _listen(self, worker: _Worker[T]) -> Iterator[Done[T, R] | Lost[T]]:
        worker.heard = time.monotonic()
        try:
            kind, value = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(5)
            yield from self._bury(worker, f"the worker ended with {_ending(worker.process.exitcode)}")
            return
        if kind == "begin":
            worker.current += 1
            self._supply(worker)
        elif kind == "result":
            result, count = value
            covered = [worker.waiting.popleft() for _ in range(count)]
            worker.current -= count
            yield Done(result, covered)
        elif kind == "end":
            yield from self._retire(worker)
        else:
            yield from self._bury(worker, value)

    def _supply(self, worker: _Worker[T]) -> None:
        """Keep tasks at hand for a worker; say so when there are no more."""
        while not worker.closing and len(worker.waiting) - worker.current < AHEAD:
            if self._again:
                task = self._again.popleft()
            else:
                try:
                    task = next(self._tasks)
                except StopIteration:
                    worker.closing = True
                    self._send(worker, None)
                    return
            worker.waiting.append(task)
            self._send(worker, task)

    def _send(self, worker: _Worker[T], task: T | None) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its end is noticed by `_listen`
            worker.pipe.send(task)

    def _retire(self, worker: _Worker[T]) -> Iterator[Done[T, R] | Lost[T]]:
        self._workers.remove(worker)
        worker.process.join(5)
        worker.pipe.close()
        if self._again and not self._workers:
            self._replace()
        yield from ()

    def _bury(self, worker: _Worker[T], reason: str) -> Iterator[Done[T, R] | Lost[T]]:
        """Replace a dead worker; what it held is done again, the task it died on in pieces."""
        self._workers.remove(worker)
        if worker.process.is_alive():
            worker.process.kill()
        worker.process.join(5)
        worker.pipe.close()
        held = list(worker.waiting)
        if worker.current and held:
            culprit = held.pop(worker.current - 1)
            pieces = self._divide(culprit)
            if len(pieces) > 1 or culprit not in self._suspects:
                self._suspects.update(pieces)
                self._again.extendleft(reversed(pieces))
            else:
                yield Lost(culprit, reason)
        self._again.extend(held)
        if self._again or not worker.closing:
            self._replace()

    def _replace(self) -> None:
        self._add()
        self._supply(self._workers[-1])

    def stop(self) -> None:
        """End all workers at once; what they held back is dropped."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join(5)
            worker.pipe.close()
        self._workers.clear()


def _work(pipe: Connection, make: Callable[[], Handler[Any, Any]], inherited: list[Connection]) -> None:
    """The life of a worker."""
    for other in inherited:  # the parent's ends: if they stayed open here, nobody would notice its death
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops us
    try:
        _tasks(pipe, make())
    except (BrokenPipeError, EOFError, ConnectionResetError):
        os._exit(0)  # the parent is gone
    except MemoryError:
        _say_last(pipe, "out of memory")
    except Exception as error:  # noqa: BLE001 - reported as the reason why this task was lost
        place = traceback.extract_tb(error.__traceback__)[-1]
        _say_last(pipe, f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})")


def _tasks(pipe: Connection, handler: Handler[Any, Any]) -> None:
    handled = 0
    while (task := pipe.recv()) is not None:
        pipe.send(("begin", None))
        for result in handler.handle(task):
            pipe.send(("result", (result, handled)))
            handled = 0
        handled += 1
    for result in handler.finish():
        pipe.send(("result", (result, handled)))
        handled = 0
    pipe.send(("end", None))


def _say_last(pipe: Connection, reason: str) -> None:
    with contextlib.suppress(OSError):
        pipe.send(("error", reason))


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def _can_fork() -> bool:
    """Forking is quick and shares memory, but only safe while no other thread runs, and not on macOS."""
    return sys.platform == "linux" and threading.active_count() == 1
