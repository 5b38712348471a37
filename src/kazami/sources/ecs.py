"""Events in the Elastic Common Schema that carry no original record: Elastic Defend, Auditbeat and others."""

from __future__ import annotations

from functools import cache
from typing import Any

from kazami.model.event import LogSource, Route
from kazami.sources import mapping
from kazami.sources.columns import Plan
from kazami.sources.mapping import Test
from kazami.sources.plan_cache import PlanCache

#: The fields whose values decide what an event is.
DECIDING = ("event.category", "event.type", "event.action")


def recognizes(keys: tuple[str, ...]) -> bool:
    """Whether flattened records with these keys speak ECS."""
    return "event.category" in keys and "@timestamp" in keys


def plan_of(keys: tuple[str, ...], leaves: dict[str, Any]) -> Plan:
    """The plan of one flattened record, whose cells are its values and are named by `keys`."""
    whole = mapping.load("ecs.yml")
    system = next((str(leaves[name]).lower()[:40] for name in whole["os"] if leaves.get(name)), "")
    key = (keys, _categories(leaves), whole["products"].get(system))
    return _plans.get(key) or _plans.put(key, _plan(*key))


_plans = PlanCache()


def _categories(leaves: dict[str, Any]) -> tuple[str, ...]:
    for tests, categories in _entries():
        if all(_holds(test, leaves.get(name)) for name, test in tests):
            return categories
    return ()


def _holds(test: Test, value: Any) -> bool:
    return (
        any(test(str(v)) for v in value)
        if isinstance(value, list)
        else value is not None and test(str(value))
    )


@cache
def _entries() -> tuple[tuple[tuple[tuple[str, Test], ...], tuple[str, ...]], ...]:
    entries = mapping.load("ecs.yml")["categories"]
    return tuple(
        (
            tuple((name, mapping.condition(spec)) for name, spec in entry["when"].items()),
            (entry["category"],) if isinstance(entry["category"], str) else tuple(entry["category"]),
        )
        for entry in entries
    )


def _plan(keys: tuple[str, ...], categories: tuple[str, ...], product: str | None) -> Plan:
    whole = mapping.load("ecs.yml")
    cells = {name: index for index, name in enumerate(keys)}
    columns = mapping.as_they_are(cells)
    for name, spec in whole["fields"].get(categories[0] if categories else None, {}).items():
        if made := mapping.column(name, spec, cells):
            columns[name] = made
    table = categories[0] if categories else "ecs"
    envelope = whole["envelope"]
    return Plan(
        Route(table, tuple(LogSource(product, each, None) for each in categories) or (LogSource(product),)),
        tuple(columns.values()),
        next((cells[name] for name in whole["time"] if name in cells), None),
        host=mapping.column("host", envelope["host"], cells),
        user=mapping.column("user", envelope["user"], cells),
        process_uid=mapping.column("process_uid", envelope["process_uid"], cells),
        parent_uid=mapping.column("parent_uid", envelope["parent_uid"], cells),
    )
