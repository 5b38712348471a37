"""How alerts of other sensors look: ``shapes.yml``, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of alert: the columns it needs, and which columns say what."""

    name: str
    needs: frozenset[str]
    title: tuple[str, ...]
    id: tuple[str, ...]
    severity: tuple[str, ...] = ()
    scale: Mapping[str, str] = field(default_factory=dict)
    technique: tuple[str, ...] = ()
    tactic: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    time: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are looked at."""
        return (
            *self.needs,
            *self.title,
            *self.id,
            *self.severity,
            *self.technique,
            *self.tactic,
            *self.host,
            *self.user,
            *self.time,
        )


@cache
def shapes() -> tuple[Shape, ...]:
    """All shapes, in the order in which they are tried."""
    text = files("kazami.detect.alert").joinpath("shapes.yml").read_text("utf-8")
    whole: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader, ours
    return tuple(_shape(entry, whole["scales"]) for entry in whole["shapes"])


def of(columns: frozenset[str]) -> list[Shape]:
    """The shapes that rows of a batch with these columns may have: events of several kinds can lie in one table."""
    return [shape for shape in shapes() if shape.needs <= columns]


def _shape(entry: dict[str, Any], scales: dict[str, dict[str, str]]) -> Shape:
    severity = entry.get("severity", {"fields": [], "scale": "named"})
    lists = {
        name: tuple(entry.get(name, ()))
        for name in ("title", "id", "technique", "tactic", "host", "user", "time")
    }
    return Shape(
        name=entry["name"],
        needs=frozenset(entry["needs"]),
        severity=tuple(severity["fields"]),
        scale=scales[severity["scale"]],
        **lists,
    )
