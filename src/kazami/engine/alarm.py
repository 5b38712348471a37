"""Seconds for a piece of Python. Code in C that does not come back is for the parent of the process to end (`cage`)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class OutOfTime(BaseException):
    """The seconds are over. No `Exception`: what runs under the alarm must not catch it with its own failures."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises OutOfTime in the body once `seconds` have passed; where signals cannot be had, the body is not bounded."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(
        signal.ITIMER_REAL, max(seconds, 0.001), 1.0
    )  # again, should a callback swallow the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(*_: object) -> None:
    raise OutOfTime
