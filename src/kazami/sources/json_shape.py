"""JSON records of every kind on their way to the columns: what a record is, decided once for a tuple of keys."""

from __future__ import annotations

import json
from typing import Any

from kazami.model.event import LogSource, Route
from kazami.sources import cloud, defender, dialect, ecs, evtxecmd, json_flat, mapping, windows, wrapped
from kazami.sources.columns import Column, Columns, Plan
from kazami.sources.flat import Shape
from kazami.sources.local_time import Local
from kazami.sources.network import words
from kazami.sources.plan_cache import PlanCache
from kazami.sources.windows_records import Groups

#: Shapes of one file that are remembered; then all starts anew.
MAX_SHAPES = 4096

#: Depth of wrappers around one event.
MAX_WRAPPERS = 4

_PLAIN = frozenset((str, int, bool, type(None)))
_PLAIN_OR_LIST = _PLAIN | {list}


class Shapes:
    """Takes decoded records, whatever they are; several kinds in one file are told apart one by one."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._plain: dict[tuple[str, ...], Shape] = {}
        self._flattened: dict[tuple[str, ...], Shape] = {}
        self._groups = Groups(columns)
        self.local = Local()

    def add(self, record: dict[str, Any], raw: str, number: int) -> None:
        """Take one record with its text."""
        shape = self._plain.get((*record,))
        if shape is not None and (_PLAIN.issuperset(map(type, record.values())) or _is_plain(record)):
            shape.add(record, raw, number)
        else:
            self._add_other(record, raw, number, 0)

    def _add_other(self, record: dict[str, Any], raw: str, number: int, depth: int) -> None:
        keys = (*record,)
        if not keys:
            self._columns.reject(f"record {number}", "an empty object is no event")
        elif isinstance(record.get("Event"), dict) or isinstance(record.get("System"), dict):
            self._groups.add_event(*windows.flatten(record), raw, number)
        elif evtxecmd.recognizes(record) and isinstance(record["Payload"], str):
            self._groups.add_event(*evtxecmd.event(record), raw, number)
        elif depth < MAX_WRAPPERS and (inner := wrapped.records(record)) is not None:
            for element in inner:
                self._add_other(element, json_flat.json_text(element), number, depth + 1)
        elif (event := wrapped.event(record)) is not None:
            self._groups.add_event(*event, raw, number)
        elif _is_plain(record):
            self._add_plain(keys, record, raw, number)
        else:
            self._add_nested(record, raw, number)

    def _add_plain(self, keys: tuple[str, ...], record: dict[str, Any], raw: str, number: int) -> None:
        form = dialect.of(keys)
        if form is None or len(keys) > json_flat.MAX_FIELDS:
            self._add_nested(record, raw, number)
            return
        shapes = self._flattened if wrapped.may_be(keys) else self._plain
        shape = shapes.get(keys)
        if shape is None:
            shape = shapes[keys] = self._shape(form, record, number)
        shape.add(record, raw, number)

    def _add_nested(self, record: dict[str, Any], raw: str, number: int) -> None:
        if float in set(map(type, record.values())):
            record = _exact(record, raw)
        is_row = defender.recognizes(defender.spelled((*record,))) or defender.ACTION in record
        record = defender.expanded(record) if is_row else cloud.expanded(record)
        leaves, surplus = json_flat.flatten(record, cloud.texts())
        if surplus:
            reason = f"more than {json_flat.MAX_FIELDS} fields in one record: the rest is only in the original text"
            self._columns.reject(f"record {number}", reason, 0, f"{surplus} fields")
        keys = (*leaves,)
        if form := dialect.of(keys):
            shape = self._flattened.get(keys)
            if shape is None:
                shape = self._flattened[keys] = self._shape(form, leaves, number)
            shape.add(leaves, raw, number)
            return
        self._groups.put(
            _plan(self._groups.admitted(None, keys, number), leaves), (*leaves.values(),), raw, number
        )

    def _shape(self, form: dialect.Dialect, record: dict[str, Any], number: int) -> Shape:
        """A new shape, once there is room for it."""
        if len(self._plain) + len(self._flattened) >= MAX_SHAPES:
            self.flush()
            self._plain.clear()
            self._flattened.clear()
        names = dialect.named((*record,), form)
        channel = windows.first(list(record.values())[names.index("Channel")]) if "Channel" in names else None
        return Shape(self._groups.admitted(channel, names, number), record, self.local)

    def flush(self) -> None:
        """Hand everything on."""
        for shape in (*self._plain.values(), *self._flattened.values()):
            shape.flush(self._columns)
        self._groups.flush()


def _is_plain(record: dict[str, Any]) -> bool:
    """Whether all values are plain ones, or lists of plain ones."""
    values = record.values()
    if not _PLAIN_OR_LIST.issuperset(map(type, values)):
        return False
    lists = [value for value in values if value.__class__ is list]
    return all(_PLAIN.issuperset(map(type, value)) for value in lists)


def _exact(record: dict[str, Any], raw: str) -> dict[str, Any]:
    """The record again where a number of more than 64 bits was rounded."""
    if any(type(v) is float and abs(v) >= 1 << 63 for v in record.values()):
        again = json.loads(raw, strict=False)
        if isinstance(again, dict):
            return again
    return record


def _plan(keys: tuple[str, ...], leaves: dict[str, Any]) -> Plan:
    if defender.recognizes(keys) and not (defender.is_of_cloud(leaves) and cloud.plan_of(keys, leaves)):
        action = leaves[defender.ACTION]
        product = defender.product([leaves.get(path) for path in defender.PATHS])
        return defender.plan(keys, action if isinstance(action, str) else None, product)
    if (found := cloud.plan_of(keys, leaves)) is not None:
        return found
    if ecs.recognizes(keys) and not (words.kind_of(keys, leaves) or "").startswith("ecs_"):
        return ecs.plan_of(keys, leaves)
    return words.plan_of(keys, leaves) or generic(keys)


#: Names under which any JSON record may say when, where and who, most telling first.
_TIMES = (
    "@timestamp", "timestamp", "Timestamp", "time", "TimeGenerated", "eventTime", "EventTime", "event_time", "datetime",
    "date", "ts", "created_at", "createdDateTime", "CreationTime", "log_time", "UtcTime", "_time",
)  # fmt: skip
_HOSTS = (
    "host.name",
    "hostname",
    "Hostname",
    "host",
    "Host",
    "Computer",
    "computer",
    "DeviceName",
    "HOSTNAME",
)
_USERS = ("user.name", "user", "User", "username", "UserName", "userName", "UserId", "actor")

_generic = PlanCache()


def generic(keys: tuple[str, ...], table: str = "json") -> Plan:
    """The plan of records of which nothing is known but their names."""
    key = (table, keys)
    return _generic.get(key) or _generic.put(key, _new_generic(*key))


def _new_generic(table: str, keys: tuple[str, ...]) -> Plan:
    cells = {name: index for index, name in enumerate(keys)}
    return Plan(
        Route(table, (LogSource(),)),
        tuple(mapping.as_they_are(cells).values()),
        next((cells[name] for name in _TIMES if name in cells), None),
        host=_first("host", _HOSTS, keys),
        user=_first("user", _USERS, keys),
    )


def _first(name: str, choices: tuple[str, ...], keys: tuple[str, ...]) -> Column | None:
    place = next((keys.index(choice) for choice in choices if choice in keys), None)
    return None if place is None else Column(name, (place,))
