"""The process beside `kazami inline` that watches it: ``python -m kazami.cli.guard QUEUE PID``, which reads its signs of life."""

from __future__ import annotations

import signal
import sys

from kazami.inline.guard import SILENCE, watch


def main(number: int, program: int) -> None:
    """Until `program` ends, by itself or not."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # it ends with the one that it watches
    if watch(0, number, program):
        sys.stderr.write(f"kazami inline: stood still for {SILENCE:g} s and was ended; everything passes\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
