"""How far a scan is: one line on stderr, only on a terminal, at most ten times a second.

    with Progress(talk(), lang="ja") as progress:
        progress.begin(files=12, size=1_200_000)
        progress.advance(65_536, events=900, findings=2, name="Security.evtx")

Nothing is drawn from a thread: a line is drawn by whoever calls `advance` or `tick` when a tenth of a second
has passed, so it costs one look at the clock a call, and processes can be forked while it stands.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Self

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.live import Live
from rich.text import Text

from kazami.respond.language import words
from kazami.respond.text import safe, shorten

#: Seconds between two drawings, and seconds over which rates are taken.
EVERY, WINDOW = 0.1, 8.0

_BAR = "━"


class Progress:
    """Bytes done of bytes expected, rates, what is being read, and findings so far."""

    def __init__(
        self, console: Console, lang: str = "en", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.total = self.files = 0
        self.size = self.events = self.findings = 0
        self.name = ""
        self.drawn = 0
        self._console, self._words, self._clock = console, words(lang), clock
        self._next = 0.0
        self._samples: deque[tuple[float, int, int]] = deque()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        self._samples.append((self._clock(), 0, 0))
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(
                console=self._console, auto_refresh=False, transient=True, redirect_stdout=False
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def begin(self, files: int, size: int) -> None:
        """So many files and bytes are to be read, beside those that were known before."""
        self.files += files
        self.total += size
        self._samples.clear()
        self._samples.append((self._clock(), self.size, self.events))
        self.tick()

    def advance(self, size: int, events: int, findings: int, name: str) -> None:
        """So many more bytes, events and findings; `name` is what is being read now."""
        self.size += size
        self.events += events
        self.findings += findings
        self.name = name or self.name
        self.tick()

    def tick(self) -> None:
        """Draw, if it is time to; to be called while nothing else happens."""
        if self._live is None:
            return
        now = self._clock()
        if now < self._next:
            return
        self._next = now + EVERY
        self._samples.append((now, self.size, self.events))
        while len(self._samples) > 2 and now - self._samples[0][0] > WINDOW:
            self._samples.popleft()
        self._live.update(self.line(self._console.width), refresh=True)
        self.drawn += 1

    def rates(self) -> tuple[float, float]:
        """Bytes and events a second, lately."""
        (before, size, events), (now, size_now, events_now) = self._samples[0], self._samples[-1]
        seconds = max(now - before, 1e-9)
        return (size_now - size) / seconds, (events_now - events) / seconds

    def _figures(self) -> list[str]:
        """What is said beside the bar, the most important first."""
        words, (rate, events) = self._words, self.rates()
        done = min(self.size / self.total, 1.0) if self.total > 0 else 0.0
        figures = [f"{done:4.0%}"] if self.total > 0 else [words.size(self.size)]
        if rate > 0 and self.total > self.size:
            figures.append(words("progress.left", time=words.duration((self.total - self.size) / rate + 1)))
        figures.append(words.count("finding", self.findings))
        figures.append(words("progress.rate", size=words.size(rate)))
        figures.append(words("progress.events", n=words.number(int(events))))
        return figures

    def line(self, width: int) -> Text:
        """The line, at most `width` columns: bar, as many figures as have room, and the file."""
        figures = self._figures()
        bar = max(min(width // 5, 40), 8)
        while len(figures) > 1 and bar + 2 + sum(cell_len(f) + 2 for f in figures) > width:
            figures.pop()
        done = int(bar * min(self.size / self.total, 1.0)) if self.total > 0 else 0
        text = Text(no_wrap=True, overflow="crop", end="")
        text.append(_BAR * done, "cyan")
        text.append(_BAR * (bar - done), "bright_black")
        text.append("  " + "  ".join(figures))
        room = width - cell_len(text.plain) - 2
        if room >= 12:
            text.append("  " + _tail(self.name, room), "dim")
        return text


def _tail(name: str, room: int) -> str:
    """The end of a file's name, which says more than its beginning."""
    shown = safe(shorten(name[::-1], 4 * room)[0][::-1])
    if cell_len(shown) <= room:
        return shown
    return "…" + set_cell_size(shown[::-1], room - 1)[::-1].lstrip()
