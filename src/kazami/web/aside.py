"""Work that takes seconds and memory, done aside: in a process that gives its memory back, while nobody waits for it."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from kazami.errors import CaseError, KazamiError, UsageError

T = TypeVar("T")


def elsewhere(work: Callable[..., T], *given: Any) -> T:
    """What `work(*given)` gives, in a process of its own; both have to be picklable. Raises CaseError, UsageError."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    worker = context.Process(target=_done, args=(work, given, theirs), daemon=True)
    worker.start()
    theirs.close()
    try:
        made, error = ours.recv()
    except EOFError:
        made, error = None, CaseError("it ended while it was read")
    finally:
        worker.join()
        ours.close()
    if error is not None:
        raise error
    result: T = made
    return result


def yielding(work: Callable[..., T], *given: Any) -> T:
    """What `work(*given)` gives, in a process that lets those go first whom somebody waits for."""
    if sys.platform != "win32":
        os.nice(5)
    return work(*given)


def _done(
    work: Callable[..., Any], given: tuple[Any, ...], said: multiprocessing.connection.Connection
) -> None:
    """In the process of its own; what went wrong goes back as an error."""
    try:
        said.send((work(*given), None))
    except UsageError as error:
        said.send((None, UsageError(str(error))))
    except KazamiError as error:
        said.send((None, CaseError(str(error))))
    except OSError as error:
        said.send((None, CaseError(f"{error.filename or ''}: {error.strerror or error}")))
    finally:
        said.close()


#: Results that are kept, and made at once: what looks at all events does not hold up who asks for less.
KEPT, AT_ONCE = 16, 2


class Soon:
    """Results that are made aside, `AT_ONCE` at a time, and kept as long as their key is the same."""

    def __init__(self) -> None:
        self._turn = threading.Semaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._kept: dict[str, _Made] = {}

    def get(self, name: str, key: str, make: Callable[[], T], patience: float) -> T | None:
        """What `make` gives for `key`; None where it is not there after `patience` seconds: ask again.

        Raises what `make` raised, once; the next who asks has it tried again.
        """
        with self._lock:
            made = self._kept.get(name)
            if made is None or made.key != key:
                self._kept.pop(name, None)
                made = self._kept[name] = _Made(key)
                for old in [one for one, it in self._kept.items() if it.ready.is_set()][
                    : len(self._kept) - KEPT
                ]:
                    del self._kept[old]
                threading.Thread(target=self._make, args=(made, make), daemon=True).start()
        if not made.ready.wait(patience):
            return None
        if made.error is not None:
            with self._lock:
                if self._kept.get(name) is made:
                    del self._kept[name]
            raise made.error
        result: T = made.value
        return result

    def _make(self, made: _Made, make: Callable[[], Any]) -> None:
        with self._turn:
            try:
                made.value = make()
            except KazamiError as error:
                made.error = error
            finally:
                made.ready.set()


class _Made:
    def __init__(self, key: str) -> None:
        self.key = key
        self.ready = threading.Event()
        self.value: Any = None
        self.error: KazamiError | None = None
