"""Times as the file keeps them (microseconds since 1970, UTC) and as readers say them (ISO 8601)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kazami.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(time: int | None) -> str | None:
    """``2026-11-08T01:02:03.000004Z``; None for none, and for what lies beyond the years 1 to 9999."""
    if time is None:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=time)).isoformat(timespec="microseconds")[:-6] + "Z"
    except OverflowError:
        return None


def micro(text: str, name: str = "time") -> int | None:
    """Microseconds of a time in ISO 8601 (UTC where it names no zone); None for an empty one. Raises UsageError."""
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{name}: is no time of ISO 8601") from error
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)
