"""Rows of Microsoft Defender's advanced hunting tables, in JSON or CSV: from the action to log source and fields."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

import orjson

from kazami.model.event import LogSource, Route
from kazami.sources import mapping
from kazami.sources.columns import Plan
from kazami.sources.plan_cache import PlanCache

#: The field whose value decides what a row is.
ACTION = "ActionType"

#: Fields that tell of a path whether the device is a Windows one.
PATHS = ("FolderPath", "InitiatingProcessFolderPath")


def recognizes(keys: tuple[str, ...]) -> bool:
    """Whether rows with these columns are from an advanced hunting table about devices."""
    return ACTION in keys and ("DeviceName" in keys or "DeviceId" in keys)


#: What exports add to the name of a column: the portal the zone, custom tables of Log Analytics the type.
_ADDED = re.compile(r" ?\[UTC\]\Z|_[sdgtb]\Z", re.IGNORECASE)


@lru_cache(1024)
def spelled(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of a row in the spelling of Microsoft's schema, whatever an export made of it; others as they are."""
    known = _known()
    bare = [known.get(key.lower()) or known.get(_ADDED.sub("", key).lower(), key) for key in keys]
    names = tuple(key if name in keys else name for key, name in zip(keys, bare, strict=True))
    return names if recognizes(names) and len(set(names)) == len(keys) else keys


@cache
def _known() -> dict[str, str]:
    """The names of columns that the mapping has, by their small letters."""
    names, waiting = {ACTION, "DeviceName", "DeviceId", *PATHS, *_MORE}, [mapping.load("defender.yml")]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            names.add(found)
        elif isinstance(found, (dict, list)):
            waiting += found.values() if isinstance(found, dict) else found
    return {name.lower(): name for name in sorted(names) if name[:1].isupper()}


#: What else a row says, under the names that hunting and its exports give it, and the name that mappings use.
_MORE = {
    "AdditionalFields": "AdditionalFields",
    "AdditionalFields_string": "AdditionalFields",
    "AdditionalFields_dynamic": "AdditionalFields",
    "RawEventData": "RawEventData",
}


def expanded(record: dict[str, Any]) -> dict[str, Any]:
    """A row as `spelled`, with its objects (``AdditionalFields``, ``RawEventData``), which exports give as text, as objects."""
    record = dict(zip(spelled((*record,)), record.values(), strict=True))
    made = {own: found for name, own in _MORE.items() if (found := _object(record.get(name))) is not None}
    return {**record, **made} if made else record


def _object(text: Any) -> dict[str, Any] | None:
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def is_of_cloud(leaves: dict[str, Any]) -> bool:
    """Whether a row is one of ``CloudAppEvents``, which are told of services: exports put all tables into one."""
    return bool(leaves.get("ApplicationId")) and not leaves.get("DeviceName")


def product(paths: list[Any]) -> str:
    """The product of a device from what its paths look like: a slash at the start is not Windows."""
    return "linux" if any(isinstance(path, str) and path.startswith("/") for path in paths) else "windows"


def plan(keys: tuple[str, ...], action: str | None, product: str = "windows") -> Plan:
    """The plan of rows with these columns (cells in the same order) and this `ACTION`.

    Rows of an action that no category of Sigma means are kept under the table ``defender``.
    """
    key = (keys, action, product)
    return _plans.get(key) or _plans.put(key, _plan(*key))


_plans = PlanCache()


def _plan(keys: tuple[str, ...], action: str | None, product: str) -> Plan:
    whole = mapping.load("defender.yml")
    cells = {name: index for index, name in reversed(list(enumerate(keys)))}
    entry = whole["actions"].get(action, {})
    columns = mapping.as_they_are(cells)
    for name, spec in entry.get("fields", {}).items():
        if made := mapping.column(name, spec, cells):
            columns[name] = made
    envelope = whole["envelope"] | {key: entry[key] for key in ("user", "logon_id") if key in entry}
    return Plan(
        _route(entry.get("category"), product),
        tuple(columns.values()),
        next((cells[name] for name in whole["times"] if name in cells), None),
        host=mapping.column("host", envelope["host"], cells),
        user=mapping.column("user", envelope["user"], cells),
        logon_id=mapping.column("logon_id", envelope["logon_id"], cells),
    )


def _route(category: str | list[str] | None, product: str) -> Route:
    categories = [category] if category is None or isinstance(category, str) else category
    if categories == ["antivirus"]:
        return Route("antivirus", (LogSource(product, "antivirus", "windefend"),))
    sources = tuple(LogSource(product, each, "defender") for each in categories)
    return Route(categories[0] or "defender", sources)
