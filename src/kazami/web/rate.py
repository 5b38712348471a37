"""How often something may be done: buckets that fill again with time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict


class Rate:
    """`burst` at once, and `per_second` in the long run, for each key; the `most` last keys are known."""

    def __init__(self, burst: float, per_second: float, most: int = 10_000) -> None:
        self.burst = burst
        self.per_second = per_second
        self.most = most
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def takes(self, key: str, now: float | None = None) -> bool:
        """Whether `key` may do it once more; then it is counted."""
        now = time.monotonic() if now is None else now
        with self._lock:
            left, then = self._kept.pop(key, (self.burst, now))
            left = min(self.burst, left + (now - then) * self.per_second)
            allowed = left >= 1
            self._kept[key] = (left - 1 if allowed else left, now)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
            return allowed
