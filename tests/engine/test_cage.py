"""Workers that die: what was said before is known, and the next task goes on."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kazami.engine.alarm import OutOfTime, alarm
from kazami.engine.cage import Bounds, Cages, Died, Ended, Said

BOUNDS = Bounds(memory=256 << 20, cpu=2, patience=2.0, written=1 << 20)


def work(task: str, note: Callable[[str], None]) -> Iterator[bytes]:
    """Does what its task says."""
    note(f"began {task}")
    yield b"first"
    if task == "crash":
        ctypes.string_at(0)
    elif task == "exit":
        os._exit(7)
    elif task == "deaf":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGTERM})
        time.sleep(60)
    elif task == "burn":
        while True:
            note(str(time.monotonic()))
    elif task == "hoard":
        try:
            bytearray(1 << 30)
        except MemoryError:
            yield b"no memory"
    elif task == "files":
        try:
            held = [open(os.devnull) for _ in range(500)]  # noqa: PTH123, SIM115
        except OSError:
            yield b"no files"
        else:
            yield str(len(held)).encode()
    elif task == "limits":
        yield str(resource.getrlimit(resource.RLIMIT_CORE)[0]).encode()
    yield b"last"


def told(*tasks: str, workers: int = 1) -> list[tuple[str, str]]:
    found = []
    with Cages(work, BOUNDS, workers=workers) as cages:
        for said in cages.run(tasks):
            if isinstance(said, Said):
                found.append((said.task, said.value.decode()))
            elif isinstance(said, Ended):
                found.append((said.task, "end"))
            else:
                assert isinstance(said, Died)
                assert said.note == f"began {said.task}" or said.task == "burn"
                found.append((said.task, said.reason))
    return found


def test_answers_come_in_order() -> None:
    assert told("a", "b") == [(t, w) for t in "ab" for w in ("first", "last", "end")]


def test_several_workers_do_all() -> None:
    found = told(*map(str, range(20)), workers=3)
    assert sorted(t for t, w in found if w == "end") == sorted(map(str, range(20)))


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("crash", "signal SIGSEGV"),
        ("exit", "exit code 7"),
        ("deaf", "no sign of life"),
        ("burn", "signal SIGXCPU"),
    ],
)
def test_a_worker_that_dies_is_replaced(task: str, reason: str) -> None:
    found = told(task, "next")
    assert found[0] == (task, "first")
    assert reason in found[1][1]
    assert found[2:] == [("next", "first"), ("next", "last"), ("next", "end")]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="address space is bounded on Linux only")
def test_memory_and_files_are_bounded() -> None:
    assert ("hoard", "no memory") in told("hoard")
    assert ("files", "no files") in told("files")
    assert ("limits", "0") in told("limits")


def test_an_alarm_is_not_caught_by_those_who_catch_errors() -> None:
    def careless() -> None:
        while True:
            try:
                time.sleep(0.01)
            except Exception as error:
                raise AssertionError from error

    with pytest.raises(OutOfTime), alarm(0.1):
        careless()
    with alarm(5):
        pass
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
