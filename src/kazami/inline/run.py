"""All of it together: the queue is opened first, then packets are led to it; whatever ends it, the kernel is left as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kazami.errors import UsageError
from kazami.inline import hook
from kazami.inline.guard import Guard
from kazami.inline.netlink import REPEAT, TAKEN, Queue
from kazami.inline.watch import DROP_ALL, PASS_ALL, Watch

#: Seconds after which a quiet line is asked whether to go on.
PATIENCE = 0.5


@dataclass(slots=True)
class Stop:
    """Set by whoever wants it to end."""

    wanted: bool = False


def run(
    watch: Watch,
    wanted: hook.Wanted,
    stop: Stop,
    *,
    guard: Sequence[str],
    ready: Callable[[hook.Hook], None],
    after: Callable[[], None] = lambda: None,
    seconds: float = 0.0,
) -> None:
    """Look at packets until `stop`, or for so many `seconds`. Raises UsageError where the kernel does not take part.

    `guard` is the command of the process that watches this one. `ready` is called when packets come; by then the queue is open, so that none waits for nobody. `after` is called behind
    every handful of packets, when their verdicts are given.
    """
    queue = _opened(wanted.number)
    placed: hook.Hook | None = None
    guarded = Guard(wanted.number, guard)
    try:
        placed = hook.place(wanted)
        ready(placed)
        ends = time.monotonic() + seconds if seconds else float("inf")
        marks = bool(wanted.first)
        while not stop.wanted and time.monotonic() < ends:
            guarded.alive()
            step(queue, watch, marks)
            after()
    finally:
        if placed is not None:
            placed.remove()
        queue.close()
        guarded.close()


def _opened(number: int) -> Queue:
    """The queue; who cleans after one that was killed gives it back soon."""
    for _ in range(10):
        try:
            return Queue(number)
        except UsageError as error:
            if not str(error).endswith(TAKEN):
                raise
            time.sleep(0.1)
    return Queue(number)


def step(queue: Queue, watch: Watch, marks: bool) -> None:
    """Decide of what is there. Without `marks` passed flows are not left to the kernel."""
    waiting, now = -1, time.time_ns() // 1000
    for number, mark, data, start, stop in queue.packets(PATIENCE):
        decision = watch.packet(data, start, stop, now)
        if decision == DROP_ALL:
            queue.verdict(number, REPEAT, mark | hook.BLOCKED)
        elif decision == PASS_ALL and marks:
            queue.verdict(number, REPEAT, mark | hook.PASSED)
        else:
            waiting = number
    if waiting >= 0:
        queue.accept_to(waiting)
