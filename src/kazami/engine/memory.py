"""What a worker does so that memory it is done with is there for others."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import pyarrow as pa


def share() -> None:
    """Arrow and Python take from one heap: what one has freed, the other may have."""
    pa.set_memory_pool(pa.system_memory_pool())


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
