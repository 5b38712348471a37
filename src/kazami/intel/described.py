"""What the table holds, and what it says about one id: rows for people and programs."""

from __future__ import annotations

from collections.abc import Iterable

from kazami.errors import UsageError
from kazami.intel import translate
from kazami.intel.table import Table

Row = tuple[str, str, str, str, dict[str, list[str] | str]]


def contents(table: Table) -> list[tuple[str, str | int]]:
    """Version, notice, and how much of each kind is in force."""
    counted: list[tuple[str, Iterable[object]]] = [
        ("techniques", [one for one in table.techniques if not one.state]),
        ("groups", [one for one in table.groups if not one.state]),
        ("software", [one for one in table.software if not one.state]),
        ("campaigns", table.campaigns),
        ("mitigations", table.mitigations),
        ("uses", table.uses),
        ("reports cited", table.citations),
    ]
    counts = [(kind, sum(1 for _ in things)) for kind, things in counted]
    return [("attack", f"{table.domain} {table.version}"), *counts, ("notice", table.notice)]


def described(table: Table, attack_id: str) -> Row:
    """Id, version, kind, name, and what else is known. Raises UsageError for an id that nobody knows."""
    attack_id = attack_id.strip().upper()
    for find in (_technique, _group, _software, _campaign, _mitigation):
        row = find(table, attack_id)
        if row:
            return row
    raise UsageError(f"{attack_id[:40]}: not an id of ATT&CK {table.version}, nor one of 19")


def _technique(table: Table, attack_id: str) -> Row | None:
    name = translate.name(attack_id, table)
    if not name:
        return None
    now = translate.technique(attack_id, table=table)
    known = table.technique.get(now)
    more: dict[str, list[str] | str] = {
        "is now": now if now != attack_id else "",
        "in 19": translate.technique(attack_id, 19, table),
        "tactics": list(known.tactics) if known else [],
        "platforms": list(known.platforms) if known else [],
        "seen in": list(known.components) if known else [],
        "mitigations": [f"{one.id} {one.name}" for one in table.mitigations_of(now)],
        "groups": sorted(use.source for use in table.uses if use.target == now and use.source[0] == "G"),
    }
    return attack_id, translate.version_of(attack_id, table), "technique", name, _told(more)


def _group(table: Table, attack_id: str) -> Row | None:
    group = table.group.get(attack_id)
    if group is None:
        return None
    more: dict[str, list[str] | str] = {
        "aliases": list(group.aliases),
        "is now": group.successor,
        "campaigns": [one.id for one in table.campaigns if attack_id in one.groups],
    }
    return attack_id, table.version, "group", group.name, _told(more | _used(table, attack_id))


def _software(table: Table, attack_id: str) -> Row | None:
    piece = table.piece.get(attack_id)
    if piece is None:
        return None
    users = sorted(use.source for use in table.uses if use.target == attack_id)
    more: dict[str, list[str] | str] = {"aliases": list(piece.aliases), "used by": users}
    return attack_id, table.version, piece.kind, piece.name, _told(more | _used(table, attack_id))


def _campaign(table: Table, attack_id: str) -> Row | None:
    for one in table.campaigns:
        if one.id == attack_id:
            more: dict[str, list[str] | str] = {
                "groups": list(one.groups),
                "first": one.first,
                "last": one.last,
            }
            return attack_id, table.version, "campaign", one.name, _told(more | _used(table, attack_id))
    return None


def _mitigation(table: Table, attack_id: str) -> Row | None:
    one = table.mitigation.get(attack_id)
    more: dict[str, list[str] | str] = {"techniques": list(one.techniques) if one else []}
    return (attack_id, table.version, "mitigation", one.name, _told(more)) if one else None


def _used(table: Table, attack_id: str) -> dict[str, list[str] | str]:
    targets = sorted(use.target for use in table.uses if use.source == attack_id)
    return {
        "techniques": [target for target in targets if target[0] == "T"],
        "software": [target for target in targets if target[0] == "S"],
    }


def _told(more: dict[str, list[str] | str]) -> dict[str, list[str] | str]:
    return {key: value for key, value in more.items() if value}
