"""What a report tells beside the findings: the incidents, who it may have been, and what the logging could show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kazami.model.incident import Incident, Text


@dataclass(frozen=True, slots=True)
class Logging:
    """A setting of logging: on how many machines it is on, off and unknown, some of those where it is not on (`where`),
    titles of rules that see nothing for it (`blind`), and how it is switched on."""

    name: Text
    how: Text
    on: int = 0
    off: int = 0
    unknown: int = 0
    where: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bond:
    """Two incidents of a campaign, as places in its list, the earlier one first, that were seen with the same `entity`."""

    source: int
    target: int
    kind: str
    entity: str


@dataclass(frozen=True, slots=True)
class Shared:
    """A campaign as the provider sees it: its incidents by day, its tenants, and the kinds of things that they share."""

    incidents: tuple[Incident, ...]
    tenants: tuple[str, ...]
    kinds: tuple[str, ...]
    bonds: tuple[Bond, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """The open incidents of a case, the gravest first: those that are told, and rows of the others.

    `total` counts all of them. `assessments` are by incident, as `kazami.attribute` gives them as plain values, `measured`
    is how good its method was found to be. `tiers` are those of tenants.toml, by tenant and host. `campaigns` are for who
    sees the whole case only: never for what one tenant is given. `unasked`: they were not looked for, for there is too much.
    `logging` is None where it was not looked at.
    """

    incidents: list[Incident] = field(default_factory=list)
    others: list[Incident] = field(default_factory=list)
    total: int = 0
    assessments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    tiers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    campaigns: list[Shared] = field(default_factory=list)
    unasked: bool = False
    logging: list[Logging] | None = None
