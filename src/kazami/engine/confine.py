"""Other people's code in C on other people's scripts: in a process that can calculate, write one answer, and nothing else.

A forked child closes every file but its pipe, takes limits, and gives up all system calls but those of memory, time and its pipe
(seccomp-bpf, Linux 3.5; ``seccomp(2)``): whoever takes it over can open nothing, connect to nothing, start nothing. Where the
system has no such filter, or a first child that tries to open a file is not killed for it, nothing is run at all.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import struct
import sys
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from select import select

_ANSWER = 64 << 20
_PIPE = 3

#: Architecture as the kernel counts it, and its numbers of read, write, close, mmap, mprotect, munmap, brk, rt_sigaction, rt_sigprocmask, rt_sigreturn,
#: mremap, madvise, getpid, gettid, sched_yield, exit, exit_group, futex, clock_gettime, clock_getres, gettimeofday, getrusage, times, getrandom.
_CALLS: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (
        0xC000003E,
        (0, 1, 3, 9, 10, 11, 12, 13, 14, 15, 25, 28, 39, 186, 24, 60, 231, 202, 228, 229, 96, 98, 100, 318),
    ),
    "aarch64": (
        0xC00000B7,
        (
            63,
            64,
            57,
            222,
            226,
            215,
            214,
            134,
            135,
            139,
            216,
            233,
            172,
            178,
            124,
            93,
            94,
            98,
            113,
            114,
            169,
            165,
            153,
            278,
        ),
    ),
}
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_X32 = 0x40000000


class Ended(Exception):  # noqa: N818 - an end, not always an error
    """The child gave no answer. `kind` is one of ``time``, ``memory``, ``ended``."""

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.kind = kind


@cache
def possible() -> str:
    """Why nothing can be confined here, or "". Proved by a child that must be killed when it opens a file."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return "needs Linux on x86-64 or ARM64"
    try:
        confined(lambda: str(os.open("/", os.O_RDONLY)).encode(), memory=64 << 20, seconds=5.0)
    except Ended as ended:
        return (
            "" if str(ended) == _forbidden() else f"the system does not keep a confined process in: {ended}"
        )
    except OSError as error:
        return f"the system confines no process: {error}"
    return "a confined process could open a file"


def _forbidden() -> str:
    return "asked the system for something that it may not have"


def confined(work: Callable[[], bytes], *, memory: int, seconds: float, clock: float = 0.0) -> bytes:
    """What `work` gives, in a child with `memory` bytes more than it has now, `seconds` of processor time, and `clock` by the clock (else five times as many).

    What `work` needs must be imported before. Raises Ended where no answer comes, OSError where no child can be made.
    """
    into, out = os.pipe()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads are not needed in the child
            child = os.fork()
        if not child:
            _live(work, out, memory, seconds)
        os.close(out)
        out = -1
        try:
            answer = _heard(into, time.monotonic() + (clock or 5 * seconds))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
    finally:
        os.close(into)
        if out >= 0:
            os.close(out)
    return _told(answer, status)


def _told(answer: bytes | None, status: int) -> bytes:
    if answer is None:
        raise Ended("more time than it may take", "time")
    if answer[:1] == b"+":
        return answer[1:]
    if answer[:1] == b"-":
        raise Ended(answer[1:].decode("utf-8", "replace"), "memory" if answer == b"-MemoryError" else "ended")
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGSYS:
        raise Ended(_forbidden(), "ended")
    if code == -signal.SIGXCPU:
        raise Ended("more processor time than it may take", "time")
    raise Ended(f"ended with {code}", "ended")


def _heard(pipe: int, until: float) -> bytes | None:
    """All that the child says; None where it goes on too long or says too much."""
    said = bytearray()
    while (left := until - time.monotonic()) > 0:
        if not select([pipe], [], [], left)[0]:
            break
        piece = os.read(pipe, 1 << 16)
        if not piece:
            return bytes(said)
        said += piece
        if len(said) > _ANSWER:
            break
    return None


def _live(work: Callable[[], bytes], out: int, memory: int, seconds: float) -> None:
    """The life of a child: it ends here, whatever happens."""
    try:
        _bind(out, memory, seconds)
        answer = b"+" + work()
    except BaseException as error:  # noqa: BLE001 - told to the parent, which is all that a child can do
        answer = b"-" + type(error).__name__.encode()
    try:
        while answer:
            answer = answer[os.write(_PIPE, answer) :]
    finally:
        os._exit(0)


def _bind(out: int, memory: int, seconds: float) -> None:
    """Nothing open but the pipe; limits; the filter. Raises OSError where one cannot be had."""
    import fcntl
    import resource

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    nowhere, out = os.open(os.devnull, os.O_RDWR), fcntl.fcntl(out, fcntl.F_DUPFD, 10)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.dup2(out, _PIPE)
    os.closerange(_PIPE + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    for kind, value, more in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + memory, 0),
        (resource.RLIMIT_CPU, int(seconds) + 1, 1),  # told by its own signal before it is killed
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        soft, hard = (v if hard == resource.RLIM_INFINITY else min(v, hard) for v in (value, value + more))
        resource.setrlimit(kind, (soft, hard))
    _give_up_calls()


def _give_up_calls() -> None:
    """All system calls but `_CALLS`, for good. Raises OSError."""
    architecture, calls = _CALLS[platform.machine()]
    steps = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, len(calls), 0, _X32),
        *((_EQUAL, len(calls) - at, 0, call) for at, call in enumerate(calls)),
        (_RETURN, 0, 0, _KILL),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((_NO_NEW_PRIVILEGES, 1, None, None, None), (_SECCOMP, _FILTER, program, None, None)):
        if libc.prctl(*words):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
