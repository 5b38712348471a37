"""What a run of a script leaves: calls, texts that it would have run, and why it ended. And the bounds of such a run.

Nothing is called: an evaluator writes down what the script asked for and goes on with an unknown value.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

#: Bounds of one run.
STEPS, SECONDS, TEXT, ITEMS = 300_000, 3.0, 8 << 20, 500_000
_CALLS, _LAYERS, _SHOWN = 2000, 64, 4000


class Ended(BaseException):
    """A run stops here; no `Exception`, so that nothing on the way takes it for a failure of its own. `kind` is one of `model.content.GAPS`, or "" where the script itself ended."""

    def __init__(self, reason: str, kind: str = "limit") -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only a real machine has: what a call would have given, by what was asked for."""

    text: str = ""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Layer:
    """Text or bytes that came out of a script, with the extension that says what it is, and how it came out."""

    data: bytes
    extension: str
    how: str


@dataclass(slots=True)
class Record:
    """All that one run left. `unresolved` are dynamic calls whose text stayed unknown, `made` what a page makes files of, `names` how it calls them."""

    calls: list[str] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    made: list[bytes] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    folded: str = ""
    stopped: str = ""
    gap: str = ""

    def call(self, name: str, *arguments: object) -> None:
        """Something was asked for."""
        if len(self.calls) < _CALLS:
            said = ", ".join(shown(one) for one in arguments)
            self.calls.append(f"{name}({said})"[:_SHOWN])

    def layer(self, content: str | bytes, extension: str, how: str) -> None:
        """Text or bytes came out."""
        data = content.encode("utf-8", "replace") if isinstance(content, str) else content
        if data.strip() and len(self.layers) < _LAYERS and all(one.data != data for one in self.layers):
            self.layers.append(Layer(data[:TEXT], extension, how))

    def stop(self, reason: str, gap: str = "") -> None:
        """It went no further; `gap` where that is for our bounds and not for the script's own reasons."""
        if gap and not self.gap:
            self.stopped, self.gap = reason[:300], gap
        self.stopped = self.stopped or reason[:300]


def shown(value: object) -> str:
    """A value in a line of the record."""
    if isinstance(value, Unknown):
        return f"<{value.text}>"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(shown(one) for one in value[:20]) + ("..." if len(value) > 20 else "") + "]"
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    return f'"{value}"' if isinstance(value, str) else str(value)


@dataclass(slots=True)
class Meter:
    """Counts steps, and looks at the clock now and then."""

    steps: int = STEPS
    seconds: float = SECONDS
    until: float = field(init=False)

    def __post_init__(self) -> None:
        self.until = time.monotonic() + self.seconds

    def step(self, cost: int = 1) -> None:
        """One step more. Raises Ended beyond the bounds."""
        before = self.steps
        self.steps -= cost
        if self.steps < 0:
            raise Ended(f"more than {STEPS:,} steps", "time")
        if before >> 8 != self.steps >> 8 and time.monotonic() > self.until:
            raise Ended(f"more than {self.seconds:g} s", "time")

    def room(self, size: int) -> None:
        """Whether a text of `size` characters or a list of as many items may be made. Raises Ended where not."""
        self.step(1 + (size >> 10))
        if size > TEXT:
            raise Ended(f"a value of {size:,} characters", "memory")
