"""A scan as a process of its own, for the console: it tells how it goes on as JSON lines on standard output.

``python -m kazami.web.scanning ORDER``: the order is the JSON of `Order`. Ctrl-C (SIGINT) stops it as it stops a scan at
the terminal: what was read is kept, and the same order goes on where it stopped.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from kazami import config
from kazami.errors import KazamiError
from kazami.pipeline.request import Request
from kazami.pipeline.scan import scan
from kazami.tenants import find

#: Seconds between two lines.
_PAUSE = 0.3


class Order(msgspec.Struct, frozen=True):
    """What is to be scanned into which case."""

    case: str
    evidence: str
    tenant: str
    directory: str | None = None
    workers: int = 1


class Line(msgspec.Struct, frozen=True):
    """How it stands: `state` is ``running``, ``done``, ``stopped`` or ``failed``; `size` and `total` are bytes."""

    state: str
    files: int = 0
    total: int = 0
    size: int = 0
    events: int = 0
    findings: int = 0
    name: str = ""
    said: str = ""


class Telling:
    """Sees a scan go on, and says so."""

    def __init__(self) -> None:
        self.line = Line("running")
        self._said = 0.0

    def begin(self, files: int, size: int) -> None:
        """So much is to be read."""
        self.line = msgspec.structs.replace(self.line, files=files, total=size)
        self._say()

    def advance(self, size: int, events: int, findings: int, name: str) -> None:
        """So much was read."""
        before = self.line
        self.line = msgspec.structs.replace(
            before,
            size=before.size + size,
            events=before.events + events,
            findings=before.findings + findings,
            name=name,
        )
        if time.monotonic() - self._said > _PAUSE:
            self._say()

    def tick(self) -> None:
        """Nothing new."""

    def _say(self) -> None:
        self._said = time.monotonic()
        _write(self.line)


def main(text: str) -> int:
    """Carry out an order; 0 when it is done, 1 when it is not."""
    order = msgspec.json.decode(text, type=Order)
    telling = Telling()
    settings = config.load()
    try:
        request = Request(
            (Path(order.evidence),),
            Path(order.case),
            rules=settings.rules,
            packs=settings.packs,
            tenant=order.tenant,
            workers=order.workers,
            command="kazami serve: evidence",
            settings=settings,
            directory=find(Path(order.directory) if order.directory else None),
        )
        result = scan(request, telling)
    except KazamiError as error:
        _write(msgspec.structs.replace(telling.line, state="failed", said=str(error)))
        return 1
    except KeyboardInterrupt:
        _write(msgspec.structs.replace(telling.line, state="stopped"))
        return 1
    state = "stopped" if result.stopped else "done"
    lost = "; ".join(f"{name}: {why}" for name, why in result.lost[:5])
    _write(
        msgspec.structs.replace(
            telling.line, state=state, events=result.events, findings=result.found, said=lost
        )
    )
    return 0


def _write(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
