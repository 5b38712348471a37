"""What exports put around records: the records inside, and Windows events whose data lies apart from what says what they are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from kazami.sources import csv_shapes, dialect, mapping, windows, windows_event, xml
from kazami.sources.json_values import LISTS
from kazami.sources.windows_event import Cells, Fields

#: Elements of one value that wraps a list.
MAX_ELEMENTS = 1_000_000

#: Characters of one rendered event of Splunk.
_MAX_TEXT = 1 << 20

#: Fields that hold one record: a search of Elasticsearch, of Splunk, rules of Velociraptor.
_SINGLE = ("_source", "_Event")

#: Where a flat record keeps the event's own data: named, or as XML.
_NAMED = ("EventData", "UserData", "event_data", "user_data")

#: Where it keeps values without names, in the order of `order.yml`.
_UNNAMED = ("Properties", "StringInserts")

#: What a search says of itself beside the list of what it found.
_ABOUT = ("total", "_shards", "messages", "fields", "highlighted")

_MESSAGES = ("Message", "message", "RenderedDescription")


@lru_cache(1024)
def may_be(keys: tuple[str, ...]) -> bool:
    """Whether a record with these keys has to be looked at: plain ones of equal keys may differ in what they hold."""
    return not {"_raw", *_NAMED, *_UNNAMED}.isdisjoint(keys) or _is_rendered(dialect.of(keys))


def records(record: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The records within an export's wrapper; None where `record` is itself the record."""
    if (single := _single(record)) is not None:
        return [single]
    if isinstance(record.get("fields"), dict) and "_index" in record:
        return [{name: _one(value) for name, value in record["fields"].items()}]
    documents = record.get("documents") if "kind" in record else None
    if isinstance(documents, list) or isinstance(record.get("document"), dict):
        return _documents(documents if isinstance(documents, list) else [record["document"]])
    hits = record.get("hits")
    if isinstance(hits, dict):
        record = hits
    for name in ("hits", *LISTS):
        elements = record.get(name)
        if isinstance(elements, list) and elements and len(record) <= 8 and _is_wrapper(record, name):
            return [element for element in elements[:MAX_ELEMENTS] if isinstance(element, dict)]
    return None


def _single(record: dict[str, Any]) -> dict[str, Any] | None:
    for name in _SINGLE:
        if isinstance(record.get(name), dict):
            return record[name]  # type: ignore[no-any-return]
    if "preview" in record and isinstance(record.get("result"), dict):
        return record["result"]  # type: ignore[no-any-return]
    if "AdvancedHunting" in str(record.get("category"))[:20] and isinstance(record.get("properties"), dict):
        return record["properties"]  # type: ignore[no-any-return]
    raw = record.get("_raw")
    if isinstance(raw, str) and raw[:1] == "{":
        try:
            found = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        return found if isinstance(found, dict) else None
    return None


def _one(value: Any) -> Any:
    """A value that Elasticsearch gives as a list, as it always does where it is asked for fields."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _documents(documents: list[Any]) -> list[dict[str, Any]] | None:
    """The events that Chainsaw found."""
    found = [
        d["data"] for d in documents[:MAX_ELEMENTS] if isinstance(d, dict) and isinstance(d.get("data"), dict)
    ]
    return found or None


def _is_wrapper(record: dict[str, Any], name: str) -> bool:
    return isinstance(record[name][0], dict) and not any(
        isinstance(value, (dict, list)) for key, value in record.items() if key not in (name, *_ABOUT)
    )


def event(record: dict[str, Any]) -> tuple[Cells, Fields] | None:
    """The cells of `windows.SYSTEM` and the data of a Windows event whose data is not beside its other fields.

    None where `record` is no such event: all others are what `dialect` says.
    """
    raw = record.get("_raw")
    if isinstance(raw, str) and raw[:6] == "<Event" and (parsed := xml.parse_event(raw)):
        return parsed
    form = dialect.of((*record,))
    if form is None or form.hides:
        return None
    cells = tuple(_cell(record, (*form.names.get(name, ()), name)) for name in windows.SYSTEM)
    data = _data(record, windows.first(cells[0]) or "", windows.first(cells[2]) or "", _is_rendered(form))
    if not data:
        return None
    when = next(
        (cell for name in mapping.load("flat.yml")["times"] if (cell := _cell(record, (name,)))), None
    )
    return tuple(
        when if name == "TimeCreated" else cell for name, cell in zip(windows.SYSTEM, cells, strict=True)
    ), data


def _cell(record: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return _plain(next((record[name] for name in names if record.get(name) is not None), None))


def _plain(value: Any) -> Any:
    """A value, out of the objects of .NET that PowerShell writes: a property, a SID, a time."""
    for _ in range(3):
        if isinstance(value, dict):
            value = value.get("Value", value.get("value"))
    return None if isinstance(value, (dict, list)) else value


def _is_rendered(form: dialect.Dialect | None) -> bool:
    """Whether the fields of an event are in its message."""
    return form is not None and form.name == "Get-WinEvent"


def _data(record: dict[str, Any], provider: str, event_id: str, rendered: bool) -> Fields:
    data: Fields = {}
    for name in _NAMED:
        data.update(_named(name, record.get(name)))
    message = next((record[name] for name in _MESSAGES if isinstance(record.get(name), str)), "")
    values: list[Any] = next((record[n] for n in _UNNAMED if isinstance(record.get(n), list)), [])
    if not data:
        data.update(zip(_order(provider, event_id, len(values)), map(_plain, values), strict=False))
    if not data and (values or rendered):
        data.update(csv_shapes.labels(message, provider, event_id))
    if not data and (texts := [text for text in map(_plain, values) if isinstance(text, str)]):
        data["Data"] = texts
        windows_event.add_details(data)
    if data and message:
        data.setdefault("Message", message)
    return data


def _named(name: str, value: Any) -> Fields:
    if isinstance(value, dict):
        section = {"event_data": "EventData", "user_data": "UserData"}.get(name, name)
        return windows_event.flatten({"Event": {section: value}})[1]
    return xml.parse_data(value) if isinstance(value, str) and value[:1] == "<" else {}


@lru_cache(1024)
def _order(provider: str, event_id: str, count: int) -> tuple[str, ...]:
    """The names of `count` values without names; of fewer, where a newer version of the event has more."""
    known = mapping.load("order.yml").get(provider, {})
    forms = known.get(int(event_id), ()) if event_id.isdecimal() else ()
    fit = [form for form in forms if len(form) <= count]
    return max(map(tuple, fit), key=len, default=())
