"""What a worker does so that memory it is done with is there for others."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import mmap
from collections.abc import Callable, Iterator
from functools import cache

import pyarrow as pa

_PAGE = mmap.PAGESIZE


@contextlib.contextmanager
def lasting() -> Iterator[None]:
    """What is made inside stays: it is not searched for cyclic garbage, neither while it is made nor later.

    Thousands of rules would be looked through dozens of times, a tenth of a second of a warm start.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def share() -> None:
    """Arrow and Python take from one heap: what one has freed, the other may have."""
    pa.set_memory_pool(pa.system_memory_pool())


def resident() -> int:
    """Bytes of memory that this process has; 0 where the system does not say so as Linux does."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:  # noqa: PTH123 - asked between any two tasks
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def give_back() -> None:
    """Return what is free to the system, where the C library can; some milliseconds."""
    pa.default_memory_pool().release_unused()
    _trim()(0)


@cache
def _trim() -> Callable[[int], object]:
    """glibc's ``malloc_trim(3)``; others return memory by themselves, or not at all."""
    try:
        found: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return lambda _: None
    return found
