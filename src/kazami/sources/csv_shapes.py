"""CSV exports whose columns wrap an event: back to the event, after ``csv.yml``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kazami.sources import mapping

#: Characters of a rendered message that are looked at, and fields that it may have.
MAX_MESSAGE = 1 << 16
MAX_LABELS = 200

_SYSMON = "Microsoft-Windows-Sysmon"
_FIELD = re.compile(r"([A-Za-z]\w{1,40}): ?(.*)")
_LABEL = re.compile(r"(\s*)([A-Z][\w ]{1,60}):\s*(.*)")


@dataclass(frozen=True, slots=True)
class Shape:
    """One form of export. `system` are pairs of an element (``Provider.Name`` for an attribute) and its column."""

    system: tuple[tuple[str, str], ...]
    message: str
    columns: int = 0  # that rows have, where the header names fewer

    def event(self, record: dict[str, str]) -> dict[str, Any]:
        """One row as an event in the shape of evtx_dump."""
        system: dict[str, Any] = {}
        for element, column in self.system:
            value = record.get(column) or None
            name, _, attribute = element.partition(".")
            if attribute:
                system.setdefault(name, {"#attributes": {}})["#attributes"][attribute] = value
            else:
                system[name] = value
        return {"Event": {"System": system, **self._data(record, system)}}

    def _data(self, record: dict[str, str], system: dict[str, Any]) -> dict[str, Any]:
        message = record.get(self.message, "")
        provider = system["Provider"]["#attributes"]["Name"]
        data = dict(labels(message, provider, str(system["EventID"])))
        return {"EventData": {**data, "Message": message}} if message else {}


@lru_cache(256)
def of(keys: tuple[str, ...]) -> Shape | None:
    """The form of exports with these columns; None where they wrap no events."""
    for entry in mapping.load("csv.yml")["shapes"]:
        needs = [[need] if isinstance(need, str) else need for need in entry["needs"]]
        if all(any(name in keys for name in names) for names in needs):
            system = tuple(_columns(entry["system"], keys))
            return Shape(system, entry["message"], entry.get("columns", 0))
    return None


def _columns(system: dict[str, Any], keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for element, names in system.items():
        found = next((n for n in ([names] if isinstance(names, str) else names) if n in keys), None)
        if found is not None:
            yield element, found


def labels(message: str, provider: str | None, event_id: str) -> Iterator[tuple[str, str]]:
    """The fields that a rendered message (in English) shows."""
    lines = message[:MAX_MESSAGE].splitlines()[:MAX_LABELS]
    if provider == _SYSMON:
        yield from (found.groups() for line in lines[1:] if (found := _FIELD.match(line)))  # type: ignore[misc]
        return
    known = mapping.load("csv.yml")["messages"].get(provider or "", {})
    wanted: dict[str, str] = known.get(int(event_id), {}) if event_id.isdecimal() else {}
    section = ""
    for line in lines if wanted else ():
        found = _LABEL.match(line)
        indent, label, value = found.groups() if found else ("", "", "")
        if label and not value:
            section = label
        elif name := wanted.get(f"{section if indent else ''}/{label}"):
            yield name, value.strip()
