"""The worker's side of a pool: it takes tasks, yields results, and says how it ends.

What goes through the pipe, pickled. To the worker: a task, or a `Word`. From it (kind, value):

    take    it began what was sent last; the next may be sent ahead, if that is small (see `AHEAD`)
    idle    it waits for the next
    result  (result, number of tasks that are complete with it, the oldest first)
    end     all is done
    stop    an error of ours that ends the whole work: its class and words
    error   why it cannot go on
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from enum import Enum
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeVar

from kazami.errors import CaseError, KazamiError, UsageError

T_contra = TypeVar("T_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Word(Enum):
    """What is sent in place of a task."""

    FLUSH = "give all results now"
    END = "there is nothing more to do"


#: Bytes that every pipe takes without anybody reading: what is sent ahead to a busy worker must be smaller, so
#: that parent and worker never wait for each other.
AHEAD = 4096

#: Characters of a reason that are told.
_REASON = 2000

_STOPPERS: dict[str, type[KazamiError]] = {kind.__name__: kind for kind in (CaseError, UsageError)}
_PR_SET_PDEATHSIG = 1


class Handler(Protocol[T_contra, R_co]):
    """What a worker does."""

    def handle(self, task: T_contra) -> Iterator[R_co]:
        """Work on one task. A result covers all tasks that were handled before this one."""
        ...

    def settle(self) -> Iterator[R_co]:
        """The task is complete: a result for it, and for those before it, if that should not wait any longer."""
        ...

    def finish(self) -> Iterator[R_co]:
        """The results that are still held back; at least one, if any task was handled since the last.

        It may be called several times, with tasks in between.
        """
        ...


def work(pipe: Connection, make: Callable[[], Handler[Any, Any]], inherited: list[Connection]) -> None:
    """The life of a worker. `inherited` are pipes of others that a fork copied."""
    for other in inherited:  # the parent's ends: if they stayed open here, nobody would notice its death
        other.close()
    detach()
    line = _Line(pipe)
    try:
        _tasks(line, make())
    except (CaseError, UsageError) as error:
        line.tell("stop", (type(error).__name__, str(error)))
    except MemoryError:
        line.tell("error", "out of memory")
    except BaseException as error:  # noqa: BLE001 - told; panics of libraries in Rust are no Exception
        line.tell("error", _reason(error)[:_REASON])


def stopper(value: tuple[str, str]) -> KazamiError:
    """The error that a worker's ``stop`` tells of."""
    kind, words = value
    return _STOPPERS[kind](words)


def detach() -> None:
    """Ctrl-C is for the parent, which stops us; its death ends us; what libraries print is not for its terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if sys.platform == "linux":
        parent = os.getppid()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


class _Line:
    """The worker's end of the pipe. Where nobody holds the other end any more, the worker is not needed."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def next(self) -> Any:
        """What to do next."""
        try:
            if not self._pipe.poll():
                self._pipe.send(("idle", None))
            return self._pipe.recv()
        except (EOFError, OSError):
            os._exit(0)

    def tell(self, kind: str, value: Any = None) -> None:
        """Say something to the parent."""
        try:
            self._pipe.send((kind, value))
        except (BrokenPipeError, ConnectionResetError):
            os._exit(0)


def _tasks(line: _Line, handler: Handler[Any, Any]) -> None:
    handled = 0

    def tell(results: Iterator[Any]) -> None:
        nonlocal handled
        for result in results:
            line.tell("result", (result, handled))
            handled = 0

    while (task := line.next()) is not Word.END:
        line.tell("take")
        if task is Word.FLUSH:
            tell(handler.finish())
            continue
        tell(handler.handle(task))
        handled += 1
        tell(handler.settle())
    tell(handler.finish())
    line.tell("end")


def _reason(error: BaseException) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})"
