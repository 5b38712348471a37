"""Rows of Microsoft Defender's advanced hunting tables, in JSON or CSV: from the action to log source and fields."""

from __future__ import annotations

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


#: What else a row says, under the names that hunting and its exports give it, and the name that mappings use.
_MORE = {
    "AdditionalFields": "AdditionalFields",
    "AdditionalFields_string": "AdditionalFields",
    "AdditionalFields_dynamic": "AdditionalFields",
    "RawEventData": "RawEventData",
}


def expanded(record: dict[str, Any]) -> dict[str, Any]:
    """A row with its objects (``AdditionalFields``, ``RawEventData``), which exports give as text, as objects."""
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
