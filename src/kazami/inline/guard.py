"""Lets packets pass where the program that decides of them dies or stands still: a process of its own, which hears from it twice a second.

It reads a byte for each sign of life, and ``q`` where the program ends by itself.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence

from kazami.errors import UsageError
from kazami.inline import hook
from kazami.inline.netlink import Queue

#: Seconds between signs of life, and of silence after which the program stands still.
BEAT, SILENCE = 0.5, 5.0

_ALIVE, _ENDED = b".", b"q"


class Guard:
    """The process that watches this one, over queue `number`; `alive` is to be called again and again.

    `command` calls `watch` for the queue and the process that are added to it, over its standard input.
    """

    def __init__(self, number: int, command: Sequence[str]) -> None:
        words = [*command, str(number), str(os.getpid())]
        # A session of its own: what ends this program from a terminal does not end it.
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - ours
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        self._last = 0.0

    def alive(self) -> None:
        """A sign of life, as often as it is needed."""
        now = time.monotonic()
        if now - self._last >= BEAT:
            self._last = now
            self._say(_ALIVE)

    def close(self) -> None:
        """The program ends, and has left nothing."""
        self._say(_ENDED)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _say(self, what: bytes) -> None:
        with contextlib.suppress(
            BrokenPipeError, BlockingIOError
        ):  # who watches is gone, or has enough to read
            os.write(self._pipe, what)


def watch(source: int, number: int, program: int, silence: float = SILENCE) -> bool:
    """Read signs of life until there are none; whether the program `program` was ended for standing still.

    What it left in the kernel is taken away, unless another one is at the queue by then.
    """
    last = b""
    while select.select([source], [], [], silence)[0]:
        heard = os.read(source, 4096)
        if not heard:
            break
        last = heard[-1:]
    else:
        os.kill(program, signal.SIGKILL)
        _cleaned(number)
        return True
    if last != _ENDED:
        _cleaned(number)
    return False


def _cleaned(number: int) -> None:
    for _ in range(20):  # the kernel gives the queue back when the process is gone
        try:
            queue = Queue(number)
        except UsageError:
            time.sleep(0.1)
            continue
        hook.clean(number)
        queue.close()
        return
