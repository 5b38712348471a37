"""When a flat record happened: which of its times says it, and in which zone the machine's clock stood.

Collectors write local times without a zone. Two facts in the evidence tell the zone: NXLog writes the time of receipt
both locally and in UTC, and Sysmon's events say ``UtcTime`` beside the local time of their record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import orjson

from kazami.sources import clock, mapping

#: Makes the time of a record where no cell says it alone.
Maker: TypeAlias = Callable[[Mapping[str, Any]], Any]

_ZONE = re.compile(r"(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$")
_PLAIN_TIME = len("2020-09-20 22:11:33")
_QUARTER = 15 * 60 * 1_000_000
_MAX_ZONE = 14 * 4  # quarters of an hour
_MAX_ZONES = 4096
_NXLOG = ("EventTime", "EventReceivedTime", "@timestamp")


class Local:
    """The zones of one file."""

    def __init__(self) -> None:
        self._zones: dict[tuple[str, str], str] = {}
        self._zone: str | None = None

    def learn(self, texts: Iterable[str]) -> None:
        """Find the zone of local times in the first records, if one says its time in UTC too."""
        for text in texts if self._zone is None else ():
            if '"UtcTime"' in text and '"TimeCreated"' in text:
                try:
                    record = orjson.loads(text)
                except orjson.JSONDecodeError:
                    continue
                local, utc = (str(record.get(name)) for name in ("TimeCreated", "UtcTime"))
                self._zone = "" if _ZONE.search(local) else _zone(local, utc)
                return

    def received(self, event: Any, received: Any, stamp: Any) -> Any:
        """`event` with the zone in which NXLog `received` it; as it is where that cannot be told."""
        if not (isinstance(event, str) and isinstance(received, str) and isinstance(stamp, str)):
            return event
        if len(event) != _PLAIN_TIME and _ZONE.search(event):
            return event
        key = (received[:13], stamp[:13])
        zone = self._zones.get(key)
        if zone is None:
            if len(self._zones) >= _MAX_ZONES:
                self._zones.clear()
            zone = self._zones[key] = _zone(received, stamp)
        return event + zone

    def zoned(self, event: Any) -> Any:
        """`event` with the zone that was learned."""
        return (
            event + self._zone if self._zone and isinstance(event, str) and not _ZONE.search(event) else event
        )


def _zone(local: str, utc: str) -> str:
    """Difference of two times, to the quarter of an hour, as ``+05:30``; "" where it can be no zone."""
    left, right = clock.parse(local), clock.parse(utc)
    if left is None or right is None:
        return ""
    quarters = round((left - right) / _QUARTER)
    if abs(quarters) > _MAX_ZONE:
        return ""
    hours, rest = divmod(abs(quarters), 4)
    return f"{'-' if quarters < 0 else '+'}{hours:02}:{rest * 15:02}"


def choose(names: Mapping[str, str], sample: Mapping[str, Any], local: Local) -> tuple[str, Maker | None]:
    """The name of the cell that says when, and how it is made if it is ``#time``.

    `names` are the keys of the records by the names that mappings use; `sample` is the first of the records.
    """
    known = mapping.load("flat.yml")
    present = [name for name in known["times"] if name in names]
    sure = next((n for n in present if n in known["utc"] or _is_sure(sample[names[n]])), None)
    if sure in ("EventTime", "@timestamp") and all(name in sample for name in _NXLOG):
        return "#time", lambda record: local.received(*map(record.get, _NXLOG))
    if sure == "UtcTime":
        return "#time", _in_utc(names[sure])
    if sure is None and present:
        return "#time", _zoned(names[present[0]], local)
    return sure or "", None


def _in_utc(key: str) -> Maker:
    def made(record: Mapping[str, Any]) -> Any:
        value = record[key]
        return f"{value}Z" if isinstance(value, str) and not _ZONE.search(value) else value

    return made


def _zoned(key: str, local: Local) -> Maker:
    return lambda record: local.zoned(record[key])


def _is_sure(value: Any) -> bool:
    """Whether a time says its zone; numbers count from 1970 in UTC."""
    return type(value) in (int, float) or (isinstance(value, str) and bool(_ZONE.search(value)))
