"""Windows events as flat records: the forms that `dialect` knows.

Fast, because a great many events come so: all decisions are made once for a tuple of keys, and once for each
channel and event id with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from kazami.sources import local_time, windows
from kazami.sources.columns import Columns
from kazami.sources.local_time import Local
from kazami.sources.message import labeled
from kazami.sources.windows_records import Group

_label = cache(labeled)


@dataclass(slots=True, eq=False)
class _Kind:
    """One channel and event id: its group, or one for each combination of values that decide."""

    by: tuple[str, ...]
    group: Group | None
    groups: dict[tuple[str | None, ...], Group]


#: Groups of one shape; beyond that the shape starts anew (values that decide may be anything).
MAX_GROUPS = 4096


class Shape:
    """All records with the same keys in the same order."""

    def __init__(self, names: tuple[str, ...], sample: dict[str, Any], local: Local) -> None:
        keys = (*sample,)
        self._names = names
        self._channel = _key_of(keys, names, "Channel") or ""
        self._event_id = _key_of(keys, names, "EventID") or ""
        self._provider = _key_of(keys, self._names, "Provider_Name")
        self._record_id = _key_of(keys, self._names, "EventRecordID")
        self._message = _key_of(keys, self._names, "Message")
        self._values = dict(zip(self._names, keys, strict=True))
        self._kinds: dict[tuple[Any, Any], _Kind] = {}
        self._groups: list[Group] = []
        self._time, self._made = local_time.choose(self._values, sample, local)

    def add(self, record: dict[str, Any], raw: str, number: int) -> None:
        """Take one record."""
        cells = (*record.values(),)
        key = (record.get(self._channel), record.get(self._event_id))
        try:
            kind = self._kinds.get(key)
        except TypeError:  # a list
            key = (windows.first(key[0]), windows.first(key[1]))
            kind = self._kinds.get(key)
        if kind is None:
            kind = self._new_kind(*key, record)
        group = kind.group
        if group is None:
            group = self._group(kind, key, record)
        if self._made is not None:
            cells += (self._made(record),)
        group.cells.append(cells)
        group.raws.append(raw)
        group.records.append(number)

    def _new_kind(self, channel: Any, event_id: Any, record: dict[str, Any]) -> _Kind:
        by = windows.discriminator(channel, event_id)
        kind = _Kind(by, None, {})
        if not by:
            kind.group = self._new_group(channel, event_id, record, ())
        self._kinds[channel, event_id] = kind
        return kind

    def _group(self, kind: _Kind, key: tuple[Any, Any], record: dict[str, Any]) -> Group:
        values = windows.values_of(record, tuple(self._values.get(name, name) for name in kind.by))
        if values == (None,) and self._message:
            values = (_label(kind.by[0])(str(record[self._message])[:2000]),)
        group = kind.groups.get(values)
        if group is None:
            group = kind.groups[values] = self._new_group(*key, record, values)
        return group

    def _new_group(
        self, channel: Any, event_id: Any, record: dict[str, Any], values: tuple[str | None, ...]
    ) -> Group:
        provider = windows.first(record[self._provider]) if self._provider else None
        identified = self._record_id is not None and record[self._record_id] is not None
        names = self._names if self._made is None else (*self._names, "#time")
        plan = windows.plan_over(names, channel, provider, event_id, values, identified, self._time)
        group = Group(plan)
        self._groups.append(group)
        return group

    def flush(self, columns: Columns) -> None:
        """Hand on what waits."""
        for group in self._groups:
            group.flush(columns)
        if len(self._groups) > MAX_GROUPS:
            self._groups.clear()
            self._kinds.clear()


def _key_of(keys: tuple[str, ...], names: tuple[str, ...], name: str) -> str | None:
    return keys[names.index(name)] if name in names else None
