"""What the events of a case say that each host has: services, tasks, start-up keys, drivers, accounts, files in places that matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kazami.correlate.entity import host
from kazami.model.change import Item
from kazami.sources.folder.place import PLAIN, place
from kazami.store.case import Case
from kazami.store.names import identifier, literal

#: Kinds of places in which events of files say nothing: every host writes there all day.
_QUIET = frozenset((PLAIN, "log", "registry"))
#: Endings of files that matter in places where others come and go.
_PROGRAMS = (".exe", ".dll", ".sys", ".cpl", ".ocx", ".scr", ".ps1", ".bat", ".cmd", ".vbs", ".js", ".so", ".sh", ".mof")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing at the time an event speaks of it; `gone` where it says that it is no more. `evidence` is where it stands."""

    tenant: str
    item: Item
    gone: bool
    event_uid: str
    evidence: str


@cache
def questions() -> list[dict[str, Any]]:
    """What is asked of a case, from ``state.yml``."""
    rows: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text("utf-8"))
    return rows


def seen(case: Case) -> Iterator[Seen]:
    """What events say, in the order of time within each question; what has no time, host or name says nothing here."""
    for question in questions():
        _, batches = case.sql(_sql(question), fill={question["table"]: question["columns"]})
        names = list(question["facts"])
        for batch in batches:
            for row in batch.to_pylist():
                if (
                    row["host"]
                    and row["name"]
                    and row["first"]
                    and (found := _item(question["kind"], row, names))
                ):
                    yield Seen(row["tenant"], found, bool(row["gone"]), row["uid"], row["place"])


def _sql(question: dict[str, Any]) -> str:
    """Each state of each thing once, at its first time.

    Never two conditions of which one is a function in one WHERE: DuckDB 2.0.1 fails where it evaluates a function over the
    dictionary of a column of which another condition has left few rows ("vector has size 162 but expected size 7").
    """
    facts = [
        f"CAST({value} AS VARCHAR) AS {identifier(f'f_{name}')}" for name, value in question["facts"].items()
    ]
    said = [
        f"CAST({question['name']} AS VARCHAR) AS name",
        f"coalesce({question.get('gone', 'false')}, false) AS gone",
    ]
    ids = ", ".join(map(literal, question.get("ids", ())))
    plain = f'"EventID" IN ({ids})' if ids else question.get("when", "true")
    last = f"HAVING bool_or({question['when']})" if ids and "when" in question else ""
    return f"""SELECT tenant, host, {", ".join([*said, *facts])}, min(time) AS first, arg_min(event_uid, time) AS uid,
        arg_min(evidence, time) AS place, arg_min(coalesce("user", ''), time) AS who
        FROM {identifier(question["table"])} WHERE {plain} GROUP BY ALL {last} ORDER BY first, name"""  # noqa: S608 - ours


def _item(kind: str, row: dict[str, Any], names: list[str]) -> Item | None:
    facts = {name: str(row[f"f_{name}"]) for name in names if row[f"f_{name}"] not in (None, "", "-")}
    if row["who"]:
        facts["by"] = row["who"]
    found = Item(kind, row["name"], facts, row["host"], row["first"])
    return found if kind else _file(found)


def _file(item: Item) -> Item | None:
    """A file that was written, where it lies in a place that matters."""
    path = item.name.replace("\\", "/").lower()
    kind = place(path[3:] if path[1:3] == ":/" else path.lstrip("/")).kind
    if kind in _QUIET or (kind == "system_file" and not path.endswith(_PROGRAMS)):
        return None
    return replace(item, kind=kind)


def known(
    found: Iterable[Seen], until: datetime | None = None
) -> dict[tuple[str, str], dict[tuple[str, str], Seen]]:
    """The last that was said before `until` of each thing: by tenant and host (without its domain), then by kind and name.

    What different events say of one thing is joined; a thing that is gone is among them, as gone.
    """
    states: dict[tuple[str, str], dict[tuple[str, str], Seen]] = {}
    for one in sorted(found, key=lambda one: one.item.time or datetime.max):
        if until is not None and one.item.time is not None and one.item.time >= until:
            continue
        things = states.setdefault((one.tenant, host(one.item.host)), {})
        key = (one.item.kind, one.item.name.lower())
        before = things.get(key)
        if before is not None and not before.gone and not one.gone:
            one = replace(one, item=replace(one.item, facts={**before.item.facts, **one.item.facts}))
        things[key] = one
    return states
