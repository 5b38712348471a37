"""Commands measured from outside: wall time, and the peak memory of all their processes together."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One finished command."""

    wall: float  # seconds
    cpu: float  # seconds, of all its processes
    peak: float  # MB, proportional set size of all its processes, sampled
    code: int
    out: str


def run(command: Sequence[str], *, codes: tuple[int, ...] = (0, 1), timeout: float = 3600) -> Run:
    """Run a command to its end; raises RuntimeError where its exit code is not among `codes`."""
    before = os.times()
    # As an installed program runs: with its modules compiled.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(
        list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    watch = _Watch(process.pid)
    out, err = process.communicate(timeout=timeout)
    wall = time.perf_counter() - start
    peak = watch.stop()
    after = os.times()
    cpu = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    if process.returncode not in codes:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}\n{err[-2000:]}")
    return Run(wall, cpu, peak, process.returncode, out)


class _Watch(threading.Thread):
    """Samples the memory of a process and all below it. Shared pages count once (PSS)."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._peak, self._stopped = pid, 0.0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._stopped.wait(0.1):
            self._peak = max(self._peak, sum(map(_pss, _tree(self._pid))))

    def stop(self) -> float:
        """The peak in MB."""
        self._stopped.set()
        self.join()
        return self._peak / 1024


def _tree(pid: int) -> list[int]:
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        try:
            for task in Path(f"/proc/{current}/task").iterdir():
                queue.extend(map(int, (task / "children").read_text().split()))
        except OSError:
            continue
    return found


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
