"""Who is confined can calculate and answer, and nothing else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kazami.engine import confine

pytestmark = pytest.mark.skipif(
    bool(confine.possible()), reason=f"nothing can be confined: {confine.possible()}"
)

MEMORY = 64 << 20


def test_an_answer_comes_whole() -> None:
    assert confine.confined(lambda: b"ab" * 500_000, memory=MEMORY, seconds=2) == b"ab" * 500_000


@pytest.mark.parametrize(
    "work",
    [
        lambda: os.open("/etc/hostname", os.O_RDONLY),
        lambda: list(Path("/").iterdir()),
        lambda: socket.socket(),
        lambda: os.fork(),
        lambda: subprocess.run(["true"]),
        lambda: os.kill(os.getppid(), signal.SIGTERM),
        lambda: Path("/nowhere").unlink(),
        lambda: os.dup(3),
    ],
    ids=["open", "list", "socket", "fork", "start", "kill", "remove", "duplicate"],
)
def test_what_reaches_the_system_is_the_end(work: Callable[[], object]) -> None:
    def asked() -> bytes:
        work()
        return b"done"

    with pytest.raises(confine.Ended, match="may not have") as ended:
        confine.confined(asked, memory=MEMORY, seconds=2)
    assert ended.value.kind == "ended"


def test_memory_is_bounded() -> None:
    with pytest.raises(confine.Ended) as ended:
        confine.confined(lambda: bytes(MEMORY * 3), memory=MEMORY, seconds=2)
    assert ended.value.kind == "memory"


def test_time_is_bounded() -> None:
    def endless() -> bytes:
        while True:
            pass

    with pytest.raises(confine.Ended) as ended:
        confine.confined(endless, memory=MEMORY, seconds=0.2)
    assert ended.value.kind == "time"


def test_what_is_raised_is_told_by_its_name() -> None:
    with pytest.raises(confine.Ended, match="ZeroDivisionError"):
        confine.confined(lambda: bytes(1 // 0), memory=MEMORY, seconds=2)


def test_nothing_is_left_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        confine.confined(lambda: b"", memory=MEMORY, seconds=2)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
