"""Actors of the packs: what they are called, what they want, what they usually do."""

from __future__ import annotations

from typing import Any

import msgspec

from kazami.errors import UsageError
from kazami.intel.actor import Actor, actors, find, habits
from kazami.intel.shelf import attack
from kazami.web.errors import missing
from kazami.web.resource import Asking, Resource


class Listed(msgspec.Struct, frozen=True):
    """An actor, as a list shows it."""

    group: str
    name: str
    pack: str
    names: list[str]
    aim: dict[str, str]


class Shown(msgspec.Struct, frozen=True):
    """An actor with its habits: of techniques and software, how many groups use each."""

    group: str
    name: str
    names: list[dict[str, str]]
    origin: dict[str, str]
    aim: dict[str, str]
    habits: dict[str, dict[str, str]]
    uses: list[dict[str, Any]]


def listed(_: Asking) -> list[Listed]:
    """All actors."""
    return [_row(one) for one in actors()]


def _row(one: Actor) -> Listed:
    names = [name.name for name in one.names if name.kind == "actor"]
    return Listed(one.group, one.name, one.pack, names, dict(one.aim))


def shown(asking: Asking) -> Shown:
    """One actor."""
    try:
        one = find(asking.path["name"])
    except UsageError as error:
        raise missing(str(error)) from error
    table = attack()
    uses = [
        {
            "id": use.id,
            "name": table.technique[use.id].name if use.id in table.technique else table.piece[use.id].name,
            "groups": use.groups,
        }
        for use in habits(one.group, table)
    ]
    names = [{"name": n.name, "kind": n.kind, "by": n.by or "", "note": n.note or ""} for n in one.names]
    habit = {about: dict(text) for about, text in one.habits.items()}
    return Shown(one.group, one.name, names, dict(one.origin), dict(one.aim), habit, uses)


RESOURCES = (
    Resource("/actors", "actors", "Actors of the packs", listed, list[Listed]),
    Resource("/actors/{name}", "actor", "One actor with its habits", shown, Shown),
)
