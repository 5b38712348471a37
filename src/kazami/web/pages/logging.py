"""Coverage of logging: which settings the evidence shows on and off, which rules are blind for it, and holes in logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from kazami import config, pipeline
from kazami.store.browse.clock import iso
from kazami.store.case import Case
from kazami.survey.coverage import State, matrix
from kazami.survey.logged import Logged, logged
from kazami.survey.setting import settings
from kazami.web.resource import Asking, Resource

#: Machines that are named where a setting is not on, titles of blind rules, and holes that are shown.
NAMED, TITLES, HOLES = 200, 200, 300


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`host` shows one machine, setting by setting."""

    tenant: str = ""
    host: str = ""


class Setting(msgspec.Struct, frozen=True):
    """A setting of logging: on how many machines (tenants, of wide ones) it is on, off or unknown; `where` it is not on.

    `blind` are titles of rules that see nothing somewhere for it.
    """

    id: str
    name: str
    how: str
    on: int
    off: int
    unknown: int
    where: list[str]
    blind: list[str]


class Machine(msgspec.Struct, frozen=True):
    """A setting on the one machine; `why` is a key: ``seen``, ``denied``, ``silent``, ``part`` or ``missing``."""

    name: str
    how: str
    state: str
    why: str
    blind: list[str]


class Hole(msgspec.Struct, frozen=True):
    """A hole in a log: `kind` is ``records``, ``silence`` or ``clock``; `note` says what other logs did meanwhile."""

    tenant: str
    host: str
    log: str
    kind: str
    first: str | None
    last: str | None
    seconds: float | None
    records: int
    others: int
    note: str


class Shown(msgspec.Struct, frozen=True):
    """`ready` is false while it is looked at: ask again. `machine` is of one host, `settings` over all."""

    ready: bool
    settings: list[Setting]
    machine: list[Machine]
    tampering: list[dict[str, Any]]
    holes: list[Hole]
    more: int
    extracts: int
    tenants: list[str]
    hosts: list[str]


def shown(asking: Asking) -> Shown:
    """The logging of the tenants behind the wall."""
    query: Query = asking.query
    names = asking.reader.tenant_names()
    found = asking.desk.soon("logging", look)
    if found is None:
        return Shown(False, [], [], [], [], 0, 0, names, [])
    behind = {query.tenant} & set(names) if query.tenant else set(names)
    mine = found.of(lambda tenant, _: tenant in behind)
    hosts = sorted({row.host for row in mine.covered if row.host})
    host = query.host.lower()
    if host:
        mine = mine.of(lambda _, on: on is not None and on.lower() == host)
    gaps = [gap for gap in mine.gaps if gap.hole.kind != "extract"]
    return Shown(
        ready=True,
        settings=[] if host else list(_settings(mine, asking.lang)),
        machine=list(_machine(mine, asking.lang)) if host else [],
        tampering=[{**row, "time": iso(_micro(row["time"]))} for row in mine.tampering[:HOLES]],
        holes=[
            Hole(
                *(gap.tenant, gap.host, gap.hole.log, gap.hole.kind, iso(gap.hole.start), iso(gap.hole.stop)),
                *(gap.hole.seconds, gap.hole.records, gap.others, gap.note),
            )
            for gap in gaps[:HOLES]
        ],
        more=max(len(gaps) - HOLES, 0) + max(len(mine.tampering) - HOLES, 0),
        extracts=len(mine.gaps) - len(gaps),
        tenants=names,
        hosts=hosts,
    )


def look(case: Path) -> Logged:
    """In a process of its own: all events are looked at."""
    with Case.open(case, read_only=True) as opened:
        return logged(opened, pipeline.rules_of(pipeline.Request([], case, settings=config.load())).rules)


def _settings(mine: Logged, lang: str) -> Iterator[Setting]:
    blind = mine.titles()
    for name, states in matrix(mine.covered).items():
        about = settings()[name]
        counts = (len(states[State.on]), len(states[State.off]), len(states[State.unknown]))
        where = [*states[State.off], *states[State.unknown]][:NAMED]
        titles = sorted(blind[name])[:TITLES]
        yield Setting(name, about.name.of(lang), about.how.of(lang), *counts, where, titles)


def _machine(mine: Logged, lang: str) -> Iterator[Machine]:
    for row in mine.covered:
        about = settings()[row.setting]
        titles = mine.blind.get((row.tenant, row.host, row.setting), [])[:TITLES]
        how = "" if row.state == State.on else about.how.of(lang)
        yield Machine(about.name.of(lang), how, row.state.value, row.why, titles)


def _micro(time: Any) -> int | None:
    return None if time is None else round(time.timestamp() * 1_000_000)


RESOURCES = (
    Resource("/evidence/logging", "logging", "Coverage of logging, and holes in logs", shown, Shown, Query),
)
