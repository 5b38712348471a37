"""Audit logs of services: CloudTrail, Kubernetes, Okta, Azure and more, recognised by what only they say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import orjson

from kazami.model.event import LogSource, Route
from kazami.sources import mapping
from kazami.sources.columns import Column, Plan
from kazami.sources.mapping import Test
from kazami.sources.plan_cache import PlanCache

#: Services that a field names, told apart as log sources of their own.
MAX_SERVICES = 200


@dataclass(frozen=True, slots=True, eq=False)
class _Log:
    """One entry of ``cloud.yml``, ready to be tested."""

    keys: frozenset[str]
    any: frozenset[str]
    tests: tuple[tuple[str, Test], ...]
    service_from: str | None
    spec: Mapping[str, Any]


@cache
def texts() -> frozenset[str]:
    """Names of objects that are also kept whole, as text."""
    return frozenset(mapping.load("cloud.yml")["texts"])


def plan_of(keys: tuple[str, ...], leaves: dict[str, Any]) -> Plan | None:
    """The plan of one flattened record, its cells named by `keys`; None where no known service wrote it."""
    for log in _candidates(keys):
        if all(_holds(test, leaves.get(name)) for name, test in log.tests):
            service = _service(leaves.get(log.service_from)) if log.service_from else None
            key = (keys, log, service)
            return _plans.get(key) or _plans.put(key, _plan(*key))
    return None


def expanded(record: dict[str, Any]) -> dict[str, Any]:
    """A record with who began it, which Log Analytics exports as text, as an object."""
    text = record.get("InitiatedBy")
    if not isinstance(text, str) or not text.startswith("{"):
        return record
    try:
        return {**record, "InitiatedBy": orjson.loads(text)}
    except orjson.JSONDecodeError:
        return record


_plans = PlanCache()


def _holds(test: Test, value: Any) -> bool:
    if isinstance(value, list):
        value = value[0] if value else None
    return value is not None and test(str(value))


_services: set[str] = set()


def _service(value: Any) -> str | None:
    """A service's name from a field, if it is one; evidence cannot invent any number of them."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9_.-]{1,40}", value):
        return None
    if value not in _services and len(_services) >= MAX_SERVICES:
        return None
    _services.add(value)
    return value


@cache
def _logs() -> tuple[_Log, ...]:
    return tuple(_log(entry) for entry in mapping.load("cloud.yml")["logs"])


def _log(entry: Mapping[str, Any]) -> _Log:
    when = entry.get("when", {})
    service = entry["sources"][0].get("service")
    return _Log(
        frozenset(entry.get("keys", ())) | frozenset(when),
        frozenset(entry.get("any", ())),
        tuple((name, mapping.condition(spec)) for name, spec in when.items()),
        service["from"] if isinstance(service, dict) else None,
        entry,
    )


@lru_cache(1024)
def _candidates(keys: tuple[str, ...]) -> tuple[_Log, ...]:
    """Logs that records with these keys may be from."""
    there = frozenset(keys)
    return tuple(log for log in _logs() if log.keys <= there and (not log.any or log.any & there))


def _plan(keys: tuple[str, ...], log: _Log, service: str | None) -> Plan:
    spec = log.spec
    cells = {name: index for index, name in enumerate(keys)}
    columns = mapping.as_they_are(cells)
    for name, made in _more(spec, cells).items():
        columns.setdefault(name, made)
    sources = tuple(
        LogSource(s["product"], s.get("category"), service if log.service_from else s.get("service"))
        for s in spec["sources"]
    )
    return Plan(
        Route(f"{spec['table']}.{service}" if service else spec["table"], sources),
        tuple(columns.values()),
        next((cells[name] for name in spec["time"] if name in cells), None),
        host=mapping.column("host", spec.get("host", []), cells),
        user=mapping.column("user", spec.get("user", []), cells),
        own_identity=spec.get("own_identity") in cells,
    )


def _more(spec: Mapping[str, Any], cells: Mapping[str, int]) -> dict[str, Column]:
    """Aliases, other spellings and constants of a log."""
    made: dict[str, Column] = {}
    for name, choices in spec.get("aliases", {}).items():
        if column := mapping.column(name, choices, cells):
            made[name] = column
    lowered = {name.lower(): index for name, index in reversed(list(cells.items()))}
    for name in spec.get("spellings", ()):
        tried = (name.lower(), *(prefix + name.lower() for prefix in spec.get("within", ())))
        found = next((lowered[each] for each in tried if each in lowered), None)
        if found is not None:
            made.setdefault(name, Column(name, (found,)))
    for name, value in spec.get("constants", {}).items():
        made[name] = mapping.constant(name, value)
    return made
