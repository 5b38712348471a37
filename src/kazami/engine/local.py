"""Kernels on one machine: worker processes that survive what evidence does to them.

A worker is forked (spawned where there is no fork), takes tasks one after the other and yields results. It may keep
work of several tasks back and yield it together; a result covers every task handled before it. So when a worker
dies, by a crash of a parser in C or by the kernel, all that it held is under suspicion, and is done again by
others: each suspect alone, and in pieces where it kills again, until the piece that kills is known and
reported as lost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, TypeVar

from kazami.engine.worker import AHEAD, Handler, Word, stopper, work

T = TypeVar("T")
R = TypeVar("R")

#: A worker that says nothing for so many seconds is taken for hung, and replaced.
PATIENCE = 300.0

#: Workers that may die one after the other before any of them began a task.
STILLBORN = 3


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


@dataclass(slots=True)
class _Order(Generic[T]):
    """What a worker is to do next; `alone` where it is, or ends, a suspect."""

    task: T | Word
    alone: bool = False
    sent: bool = False


@dataclass(slots=True, eq=False)
class _Worker(Generic[T]):
    process: Any
    pipe: Connection
    begun: deque[T] = field(default_factory=deque)  # tasks that no result covers yet
    next: _Order[T] | None = None  # chosen, and not begun
    alone: bool = False  # what it begins now, or began, is a suspect
    dirty: bool = False  # it was given tasks since it was last told to flush
    closing: bool = False
    silence: float = 0.0


class Pool(Generic[T, R]):
    """Workers that run tasks; a context manager.

    They start at once, so a pool is made before anything that starts threads. `make` makes the handler in the
    worker and can be pickled; `divide` gives the pieces of a task, itself if it is one. A task that was held when a
    worker died is tried once more, alone; if that kills again, in pieces; a piece that kills is lost. A worker that
    says nothing for `patience` seconds is killed.
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
        self._again: deque[T] = deque()  # held by a worker that died, and not begun
        self._suspects: deque[T] = deque()  # begun, and one of them may have killed it
        self._make, self._divide, self._patience = make, divide, patience
        self._workers: list[_Worker[T]] = []
        self._stillborn = 0
        for _ in range(workers):
            self._add()

    def __enter__(self) -> Pool[T, R]:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _add(self) -> None:
        forked = can_fork()
        context: Any = multiprocessing.get_context("fork" if forked else "spawn")
        ours, theirs = context.Pipe()
        inherited = [worker.pipe for worker in self._workers] + [ours]
        process = context.Process(
            target=work, args=(theirs, self._make, inherited if forked else []), daemon=True
        )
        with interrupts_wait():
            process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))

    def run(
        self, tasks: Iterable[T], on_wait: Callable[[], None] = lambda: None
    ) -> Iterator[Done[T, R] | Lost[T]]:
        """Results of all tasks as they come, until every task is covered or lost. Once for each pool.

        `on_wait` is called some times a second while there is nothing to yield. Raises what a worker raised of
        UsageError and CaseError, and RuntimeError where workers cannot even start.
        """
        self._tasks = iter(tasks)
        while self._workers:
            before = time.monotonic()
            ready = wait([worker.pipe for worker in self._workers], timeout=0.25)
            waited = min(time.monotonic() - before, 1.0)  # no more, if all of us were suspended meanwhile
            on_wait()
            for worker in list(self._workers):
                if worker.pipe in ready:
                    worker.silence = 0.0
                    yield from self._listen(worker)
                else:
                    worker.silence += waited
                    if worker.silence > self._patience:
                        yield from self._bury(worker, f"no sign of life for {self._patience:.0f} s")

    def _listen(self, worker: _Worker[T]) -> Iterator[Done[T, R] | Lost[T]]:
        try:
            kind, value = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(5)
            yield from self._bury(worker, f"the worker ended with {ending(worker.process.exitcode)}")
            return
        if kind == "take":
            self._taken(worker)
        elif kind == "idle":
            self._supply(worker, idle=True)
        elif kind == "result":
            result, count = value
            yield Done(result, [worker.begun.popleft() for _ in range(count)])
        elif kind == "end":
            self._retire(worker)
        elif kind == "stop":
            raise stopper(value)
        else:
            yield from self._bury(worker, value)

    def _taken(self, worker: _Worker[T]) -> None:
        order, worker.next = worker.next, None
        assert order is not None, "a worker takes what it was sent"
        self._stillborn = 0
        worker.alone = order.alone
        if not isinstance(order.task, Word):
            worker.begun.append(order.task)
        self._supply(worker, idle=False)

    def _supply(self, worker: _Worker[T], *, idle: bool) -> None:
        """Send a worker what it does next: at once if it waits for it, else only if that is small."""
        if worker.next is None:
            if worker.closing:
                return
            worker.next = self._choose(worker)
        if worker.next.sent:
            return
        message = ForkingPickler.dumps(worker.next.task)
        if idle or len(message) <= AHEAD:
            worker.next.sent = True
            with contextlib.suppress(
                BrokenPipeError, ConnectionResetError
            ):  # its end is noticed by `_listen`
                worker.pipe.send_bytes(message)

    def _choose(self, worker: _Worker[T]) -> _Order[T]:
        """Suspects go to workers that hold nothing, and are flushed before anything else is begun."""
        after_suspect = worker.alone and worker.dirty
        if not after_suspect:
            if self._suspects and not worker.dirty:
                worker.dirty = True
                return _Order(self._suspects.popleft(), alone=True)
            task = self._again.popleft() if self._again else next(self._tasks, Word.END)
            if not isinstance(task, Word):
                worker.dirty = True
                return _Order(task)
            if not self._suspects:
                worker.closing = True
                return _Order(Word.END)
        worker.dirty = False
        return _Order(Word.FLUSH, alone=after_suspect)

    def _retire(self, worker: _Worker[T]) -> None:
        self._part_with(worker)
        if (self._again or self._suspects) and not self._workers:
            self._add()

    def _bury(self, worker: _Worker[T], reason: str) -> Iterator[Lost[T]]:
        """Replace a dead worker; what it held is done again by others."""
        worker.process.kill()
        self._part_with(worker)
        held = list(worker.begun)
        if not held:
            self._stillborn += 1
            if self._stillborn > STILLBORN:
                raise RuntimeError(f"no worker comes to work: {reason}")
        elif worker.alone:
            pieces = self._divide(held[0])
            if len(pieces) > 1:
                self._suspects.extendleft(reversed(pieces))
            else:
                yield Lost(held[0], reason)
        else:
            self._suspects.extend(reversed(held))  # the last that was begun is the likeliest
        order = worker.next
        if order is not None and not isinstance(order.task, Word):
            (self._suspects if order.alone else self._again).append(order.task)
        if self._again or self._suspects or not worker.closing:
            self._add()

    def _part_with(self, worker: _Worker[T]) -> None:
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join(5)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.process.close()

    def stop(self) -> None:
        """End all workers at once; what they held back is dropped."""
        for worker in self._workers:
            worker.process.kill()
        while self._workers:
            self._part_with(self._workers[-1])


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """No Ctrl-C while a worker is born, which would be its death in many words; it unblocks the signal itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ending(code: int | None) -> str:
    """An exit code of a process in words."""
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def can_fork() -> bool:
    """Forking is quick and shares memory, but only safe while no other thread runs, and not on macOS."""
    return sys.platform == "linux" and threading.active_count() == 1
