"""What a program did while it ran here: acts in Sigma's words, in their order, and the log of its calls. Both bounded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import orjson

from kazami.model.event import LogSource

_ACTS = 5_000
_LINES = 20_000
_TEXT = 2_000  # characters of one value


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done: the category of Sigma's taxonomy (or the service ``system``), and its fields."""

    category: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def fields(self) -> dict[str, str]:
        """Value by name."""
        return dict(self.pairs)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")


@dataclass(slots=True)
class Record:
    """Of one run. `acts` are in order, each once, `repeated` says how often. `product` is ``windows`` or ``linux``, `image` and `command` what the process is called there.

    `ended` says why it ended before it was done, "" where it was; `unknown` counts calls that were only answered, `failed` those in
    which the emulator itself failed.
    """

    product: str
    image: str
    command: str
    user: str
    own: str = ""  # the file itself, where that is not the image
    acts: list[Act] = field(default_factory=list)
    repeated: Counter[Act] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    dropped: list[tuple[str, bytes]] = field(default_factory=list)
    slept: float = 0.0  # seconds that it wanted to
    ended: str = ""
    lost: str = ""  # what it left and could not be collected
    _lines: list[bytes] = field(default_factory=list)

    def act(self, category: str, **fields: str) -> None:
        """Note an act of the process itself, the same only once; what is empty is left out."""
        said = {"Image": self.image, "User": self.user} | fields
        kept = {name: value[:_TEXT] for name, value in said.items() if value}
        done = Act(category, tuple(kept.items()))
        if done not in self.repeated and len(self.repeated) >= _ACTS:
            self.ended = self.ended or f"more than {_ACTS:,} things done"
            return
        self.repeated[done] += 1
        if self.repeated[done] == 1:
            self.acts.append(done)
            self.line({"act": category, **kept})

    def line(self, said: dict[str, object]) -> None:
        """A line of the log."""
        if len(self._lines) < _LINES:
            self._lines.append(orjson.dumps(said, default=str))

    def source(self, act: Act) -> LogSource:
        """The log source whose rules an act is for."""
        if act.category == "system":
            return LogSource(self.product, None, "system")
        return LogSource(None if act.category == "proxy" else self.product, act.category, None)

    def log(self) -> bytes:
        """JSON lines: how it ended first, then everything in order."""
        head = orjson.dumps(
            {
                "emulated": self.image,
                "ended": self.ended or "by itself",
                "calls": self.calls.total(),
                "answered only": dict(self.unknown),
                "failed": dict(self.failed),
                "slept": round(self.slept, 3),
            }
        )
        return b"\n".join((head, *self._lines)) + b"\n"
