"""Times of the story: a week of November 2026, in UTC. The offices keep Japanese time, nine hours later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256


def at(text: str) -> datetime:
    """``"11 03:20:05"`` is the 11th at 03:20:05 UTC, with a fraction of a second made from the text itself."""
    day, clock = text.split(" ")
    hour, minute, second = (int(part) for part in clock.split(":"))
    return datetime(2026, 11, int(day), hour, minute, second, number(text, 1_000_000), UTC)


def later(time: datetime, seconds: float) -> datetime:
    """A moment after `time`."""
    return time + timedelta(seconds=seconds)


def number(key: str, below: int) -> int:
    """A number that looks like chance and is the same in every run."""
    return int.from_bytes(sha256(key.encode()).digest()[:8], "big") % below


def digest(key: str, length: int = 64) -> str:
    """Hex digits that stand for the hash of a file that does not exist."""
    return sha256(f"kazami example: {key}".encode()).hexdigest().upper()[:length]
