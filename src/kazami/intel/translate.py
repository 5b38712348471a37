"""Ids of one version of ATT&CK in the words of another: rules speak 18 and 19, advisories older ones."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from kazami.intel.shelf import attack, shipped
from kazami.intel.table import Table


def technique(technique_id: str, version: int | None = None, table: Table | None = None) -> str:
    """`technique_id` in the words of a major `version`: 18 or 19; by default that of the table in use.

    What was revoked becomes what replaced it. An id that neither knows comes back as it was given.
    """
    table = table or attack()
    wanted = major(table.version) if version is None else version
    if wanted >= 19:
        now = table.current(technique_id)
        old = technique_id if technique_id in _changes()["to_19"] else now
        return str(_changes()["to_19"].get(old, now))
    old_words = (
        table if major(table.version) < 19 else shipped()
    )  # a table of 19 has revoked what 18 speaks of
    return old_words.current(_back().get(technique_id, technique_id))


def techniques(ids: Iterable[str], version: int | None = None, table: Table | None = None) -> list[str]:
    """Each of `ids` translated, each once, in order."""
    return list(dict.fromkeys(technique(one, version, table) for one in ids))


def tactic(word: str, version: int) -> str:
    """A tactic's word in a major version. Which of 19's two ``defense-evasion`` became is said by the technique."""
    return str(_changes()["tactics_18"].get(word, word)) if version < 19 else word


def name(technique_id: str, table: Table | None = None) -> str:
    """The name of a technique of any version; empty where nobody knows the id."""
    table = table or attack()
    return (
        table.name(technique_id) or str(_changes()["names_19"].get(technique_id, "")) or _past(technique_id)
    )


def version_of(technique_id: str, table: Table | None = None) -> str:
    """The version of ATT&CK whose id this is: that of the table, or 19 where only 19 has it; empty if unknown."""
    table = table or attack()
    if technique_id in table.technique:
        return table.version
    return "19" if technique_id in _changes()["names_19"] else ""


def major(version: str) -> int:
    """``18.1`` is 18."""
    return int(version.partition(".")[0])


def _past(technique_id: str) -> str:
    """The name in the table that comes with Kazami, where the user's newer one has dropped the id."""
    return shipped().name(technique_id)


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def _changes() -> dict[str, dict[str, Any]]:
    content = (files("kazami.intel") / "translation.yml").read_text("utf-8")
    changes: dict[str, dict[str, Any]] = yaml.load(content, Loader=_LOADER)  # noqa: S506 - a safe loader
    return changes


@cache
def _back() -> dict[str, str]:
    """From 19 to 18: the reverse, where it is plain, and what `to_18` says where several became one."""
    plain: dict[str, str] = {}
    for old, new in _changes()["to_19"].items():
        plain.setdefault(new, old)
    return plain | _changes()["to_18"]
