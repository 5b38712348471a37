"""One Windows event as nested JSON (the shape of evtx_dump): from objects and attributes to plain cells."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from kazami.sources.message import settings

Fields: TypeAlias = dict[str, Any]
Cells: TypeAlias = tuple[Any, ...]

#: Nesting that is followed; what lies deeper becomes one field of JSON text.
MAX_DEPTH = 16

#: Longest message of classic PowerShell that is taken apart.
_MAX_DETAILS = 1 << 16

_NOTHING: Fields = {}


def flatten(event: Fields) -> tuple[Cells, Fields]:
    """The cells of `windows.SYSTEM` and the data fields of ``{"Event": {"System": ..., "EventData": ...}}``.

    Every form of data that writers give is taken: missing, null, one text, a list, named elements, elements with
    attributes, ``UserData`` with one element around its fields. What cannot be understood stays as it is.
    """
    inner = event["Event"] if isinstance(event.get("Event"), dict) else event
    system = _object(inner.get("System"))
    cells = _system(system)
    data: Fields = {}
    for name, section in inner.items():
        if name in ("System", "#attributes", "xmlns", "@xmlns"):
            continue
        if name == "UserData" and isinstance(section, dict):
            section = _only_child(section)
        _add_section(name, section, data)
    if cells[0] == "PowerShell" and "Data" in data:
        add_details(data)
    return cells, data


def _object(value: Any) -> Fields:
    return value if isinstance(value, dict) else _NOTHING


def _system(system: Fields) -> Cells:
    def attribute(element: str, name: str) -> Any:
        return _attributes(system.get(element), system, element).get(name)

    return (
        attribute("Provider", "Name"),
        attribute("Provider", "Guid"),
        *(_text_of(system.get(n)) for n in ("EventID", "Version", "Level", "Task", "Opcode", "Keywords")),
        attribute("TimeCreated", "SystemTime"),
        _text_of(system.get("EventRecordID")),
        attribute("Correlation", "ActivityID"),
        attribute("Execution", "ProcessID"),
        attribute("Execution", "ThreadID"),
        _text_of(system.get("Channel")),
        _text_of(system.get("Computer")),
        attribute("Security", "UserID"),
    )


def _attributes(element: Any, parent: Fields, name: str) -> Fields:
    """Attributes as evtx_dump writes them, within or (``--separate-json-attributes``) beside, or with @."""
    if beside := parent.get(f"{name}_attributes"):
        return _object(beside)
    if not isinstance(element, dict):
        return _NOTHING
    if "#attributes" in element:
        return _object(element["#attributes"])
    return {key.lstrip("@"): value for key, value in element.items()}


def _text_of(element: Any) -> Any:
    if isinstance(element, dict):
        element = element.get("#text", element.get("Value"))  # Velociraptor writes {"Value": 1}
    return _plain(element)


def _plain(value: Any) -> Any:
    """A cell: objects within lists become JSON text, since a cell holds values only."""
    if isinstance(value, list):
        return [json.dumps(item) if isinstance(item, dict) else _plain(item) for item in value[:10_000]]
    return json.dumps(value) if isinstance(value, dict) else value


def _only_child(section: Fields) -> Any:
    beside = frozenset(f"{key}_attributes" for key in section)
    children = [key for key in section if key not in ("#attributes", "xmlns", "@xmlns") and key not in beside]
    if len(children) == 1 and isinstance(section[children[0]], (dict, str)):
        return section[children[0]]
    return section


def _add_section(name: str, section: Any, data: Fields) -> None:
    """``EventData`` and its like: fields where it is an object, else one field of the section's name or ``Data``."""
    if section is None:
        return
    if isinstance(section, dict):
        for key, value in section.items():
            if key == "#text":
                put(data, "Data", _plain(value))
            elif key == "#attributes":
                _add_attributes(name, value, data)
            else:
                _add(_once(key, section), value, data, 0)
        return
    put(data, "Data" if name == "EventData" else name, _plain(section))


def _add(name: str, value: Any, data: Fields, depth: int) -> None:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value[:100]):
        for item in value:
            _add(name, item, data, depth)
    elif not isinstance(value, dict):
        put(data, name, value if not isinstance(value, list) else _plain(value))
    elif depth >= MAX_DEPTH:
        put(data, name, json.dumps(value))
    else:
        _add_element(name, value, data, depth)


def _add_element(name: str, element: Fields, data: Fields, depth: int) -> None:
    """An element with attributes: ``<Data Name="X">`` is field X, other attributes are ``name_attribute``."""
    attributes = dict(_object(element.get("#attributes")))
    attributes.update({key[1:]: value for key, value in element.items() if key.startswith("@")})
    if name == "Data" and isinstance(attributes.get("Name"), str):
        name = attributes.pop("Name")
        put(data, name, _plain(element.get("#text")))
    elif "#text" in element:
        put(data, name, _plain(element["#text"]))
    _add_attributes(name, attributes, data)
    for key, value in element.items():
        if key not in ("#text", "#attributes") and not key.startswith("@"):
            _add(f"{name}.{_once(key, element)}", value, data, depth + 1)


def _once(key: str, siblings: Fields) -> str:
    """The name of an element: the evtx package numbers those that are repeated (``Certificate_1``)."""
    name, _, number = key.rpartition("_")
    return name if number.isdecimal() and name in siblings else key


def _add_attributes(name: str, attributes: Any, data: Fields) -> None:
    for key, value in _object(attributes).items():
        if not key.startswith("xmlns"):
            put(data, f"{name}_{key}", _plain(value))


def put(data: Fields, name: str, value: Any) -> None:
    """One value more: equal names become a field of several values."""
    if name not in data:
        data[name] = value
        return
    present = data[name]
    several = present if isinstance(present, list) else [present]
    data[name] = [*several, *(value if isinstance(value, list) else [value])]


def add_details(data: Fields) -> None:
    """The ``Name=value`` lines that classic PowerShell writes into its last text."""
    texts = data["Data"] if isinstance(data["Data"], list) else [data["Data"]]
    for text in reversed(texts):
        if isinstance(text, str) and "HostApplication=" in text:
            for name, value in settings(text[:_MAX_DETAILS]).items():
                data.setdefault(name, value)
            return
