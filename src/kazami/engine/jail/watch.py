"""The processes of a cage, as ``/proc`` shows them from outside."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_KEEPER = re.compile(rb'^(\d+) +execve\("/bin/sh", \["/bin/sh", "-c"', re.MULTILINE)
_FAREWELL = 1.0  # seconds for a cage that is empty to end by itself
_ENDING = 5.0  # seconds in which everything must be gone


class Usage(NamedTuple):
    """Processes below one, and bytes of memory of all of them."""

    processes: int
    memory: int


def keeper(log: Sequence[bytes]) -> int:
    """The number of the shell that keeps the cage open; 0 while it is not there."""
    found = _KEEPER.search(b"".join(log))
    return int(found.group(1)) if found else 0


def has_finished(log: Sequence[bytes], keeper: int) -> bool:
    """Whether that shell says that the program has ended. Only it can: its number is its own."""
    return re.search(rb'^%d +execve\("[^"]*/cat"' % keeper, b"".join(log[-2:]), re.MULTILINE) is not None


def owner(pid: int) -> int | None:
    """Whose a process is: its real uid, as we see it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except OSError:
        return None
    found = re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE)
    return int(found.group(1)) if found else None


def usage(root: int) -> Usage:
    """What all processes below `root` use."""
    below = [pid for pid, _ in _below(root)]
    return Usage(len(below), sum(map(_resident, below)))


def end(process: subprocess.Popen[bytes]) -> int:
    """End a cage with all that is in it; how many of its processes are left after that."""
    inside = dict(_below(process.pid))
    for pipe in (process.stdin, process.stderr):
        if pipe:
            pipe.close()
    _kill_all(dict([*inside.items()][1:]))  # the first sees the others off, and strace sees it off
    with suppress(subprocess.TimeoutExpired):
        process.wait(_FAREWELL)
    _kill_all(inside)
    process.kill()
    process.wait()
    until = time.monotonic() + _ENDING
    while left := sum(_born(pid) == born for pid, born in inside.items()):
        if time.monotonic() > until:
            return left
        time.sleep(0.02)
    return 0


def _kill_all(processes: Mapping[int, str]) -> None:
    for pid, born in processes.items():
        if _born(pid) == born:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _below(root: int) -> Iterator[tuple[int, str]]:
    """Numbers of all processes below `root`, each with when it was born: a number alone may mean another by now."""
    parents: dict[int, list[tuple[int, str]]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - names are all that is wanted
        if name.isdigit() and (words := _stat(int(name))):
            parents.setdefault(int(words[1]), []).append((int(name), words[19]))
    waiting = [root]
    while waiting:
        for pid, born in parents.pop(waiting.pop(), ()):
            waiting.append(pid)
            yield pid, born


def _stat(pid: int) -> list[str]:
    """The words behind the name in ``/proc/PID/stat``: state, parent ... (proc(5))."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _born(pid: int) -> str:
    """When a process was born, "" for one that is gone or only waits to be taken note of."""
    words = _stat(pid)
    return words[19] if words and words[0] not in "ZX" else ""


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0
