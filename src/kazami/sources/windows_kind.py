"""What the mapping says of Windows events: which service a channel is, and what an event id of it feeds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeAlias

from kazami.sources import mapping
from kazami.sources.mapping import Test

#: Unknown channels that get a table of their own: evidence may invent millions.
MAX_CHANNELS = 500

#: Characters of a channel or provider that tell it from others.
_MAX_NAME = 256

#: Texts of the fields that decide where an event belongs.
Values: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event comes from: the service (None for an unknown channel) and the table of its own."""

    product: str
    service: str | None
    table: str


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One entry of ``events`` or ``feeds`` in the mapping."""

    categories: tuple[str, ...]
    tests: tuple[tuple[int, Test], ...]  # index into the values of the discriminators
    fields: dict[str, Any]
    envelope: dict[str, Any]

    def holds(self, values: Values) -> bool:
        """Whether an event with these `values` is meant."""
        return all(test(values[index] if index < len(values) else None) for index, test in self.tests)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What the mapping says of one event id of one service."""

    by: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    feeds: tuple[Entry, ...] = ()


_channels: dict[str, str] = {}


def origin(channel: Any, provider: Any) -> Origin:
    """Where events of a channel come from; by their provider where they name no channel."""
    return _origin(_known(channel), _known(provider))


def kind(service: str | None, event_id: Any) -> Kind:
    """What the mapping says of an event id, which may be anything."""
    return _kind(service, number(event_id))


def _known(name: Any) -> str:
    return name[:_MAX_NAME] if isinstance(name, str) else ""


def number(event_id: Any) -> int | None:
    """An event id as a number; None where it is none."""
    if type(event_id) is int:
        return event_id
    try:
        return int(str(event_id)[:12])
    except ValueError:
        return None


@lru_cache(4096)
def _origin(channel: str, provider: str) -> Origin:
    product = "linux" if "linux-sysmon" in (channel.lower()[:12], provider.lower()) else "windows"
    found = _services().get(channel.lower().strip())
    if found is None and channel in ("", provider):
        found = mapping.load("windows.yml")["providers"].get(provider)
    return Origin(product, found, found or _own_table(channel or provider))


@cache
def _services() -> dict[str, str]:
    services = mapping.load("windows.yml")["services"]
    return {channel.lower(): name for name, channels in services.items() for channel in channels}


def _own_table(channel: str) -> str:
    """A table for a channel that Sigma has no name for; all together in one once there are too many."""
    name = re.sub(r"[^a-z0-9]+", "_", channel.lower().removeprefix("microsoft-windows-")[:80]).strip("_")
    if not name or (name not in _channels and len(_channels) >= MAX_CHANNELS):
        return "windows"
    return _channels.setdefault(name, f"windows.{name}")


@lru_cache(4096)
def _kind(service: str | None, event_id: int | None) -> Kind:
    whole = mapping.load("windows.yml")
    events = whole["events"].get(service, {}).get(event_id, [])
    feeds = whole["feeds"].get(service, {}).get(event_id, [])
    by = tuple(dict.fromkeys(name for entry in (*events, *feeds) for name in entry.get("when", {})))
    return Kind(by, tuple(_entry(e, by) for e in events), tuple(_entry(e, by) for e in feeds))


def _entry(entry: dict[str, Any], by: tuple[str, ...]) -> Entry:
    category = entry["category"]
    return Entry(
        (category,) if isinstance(category, str) else tuple(category),
        tuple((by.index(name), mapping.condition(spec)) for name, spec in entry.get("when", {}).items()),
        entry.get("fields", {}),
        {name: entry[name] for name in ("user", "logon_id") if name in entry},
    )
