"""From a record's names to a plan: what kind of network event it is, and how its words become Zeek's and Sigma's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from kazami.model.event import LogSource, Route, own_name
from kazami.sources import mapping
from kazami.sources.columns import Column, Plan
from kazami.sources.network.transform import NETWORK
from kazami.sources.plan_cache import PlanCache

#: Zeek's logs and Suricata's event types that are told apart; evidence cannot invent any number of them.
MAX_NAMES = 200

_NAME = re.compile(r"[a-z0-9_.-]{1,40}")
_SIGNS = re.compile(r"[^a-z0-9]")
_plans = PlanCache()
_names: set[str] = set()


def plan_of(keys: tuple[str, ...], leaves: Mapping[str, Any]) -> Plan | None:
    """The plan of one flattened record of JSON or CSV; None where it is no network event that is known."""
    kind = kind_of(keys, leaves)
    return None if kind is None else plan(kind, keys)


def recognizes(keys: tuple[str, ...]) -> bool:
    """Whether records with these names are network events."""
    return bool(_candidates(keys))


def kind_of(keys: tuple[str, ...], leaves: Mapping[str, Any]) -> str | None:
    """``zeek.conn``, ``suricata.dns``, ``firewall`` ...: what a record is; None where nothing fits."""
    for mark in _candidates(keys):
        if mark.where and leaves.get(mark.where[0]) not in mark.where[1:]:
            continue
        if mark.named is None:
            return mark.kind
        product, field = mark.named
        name = leaves.get(field)
        if isinstance(name, str):
            return f"{product}.{name}" if is_name(name) else product
    return None


def plan(kind: str, keys: tuple[str, ...]) -> Plan:
    """The plan of records of `kind` whose cells have the names `keys`; those with a leading # make no column."""
    key = (kind, keys)
    return _plans.get(key) or _plans.put(key, _plan(kind, keys))


@dataclass(frozen=True, slots=True)
class _Mark:
    """One entry of ``marks``: all of `keys` and one of each of `anys` are there."""

    keys: frozenset[str]
    anys: tuple[frozenset[str], ...]
    kind: str | None
    named: tuple[str, str] | None
    loosely: bool
    where: tuple[str, ...]
    unless: frozenset[str]


@cache
def _marks() -> tuple[_Mark, ...]:
    return tuple(_mark(entry) for entry in mapping.load("network/words.yml")["marks"])


def _mark(entry: Mapping[str, Any]) -> _Mark:
    named = next(((product, entry[product]) for product in ("zeek", "suricata") if product in entry), None)
    anys = tuple(frozenset(entry[name]) for name in ("any", "both", "either") if name in entry)
    return _Mark(
        frozenset(entry.get("keys", ())),
        anys,
        entry.get("is"),
        named,
        "loosely" in entry,
        tuple(entry.get("where", ())),
        frozenset(entry.get("unless", ())),
    )


@lru_cache(1024)
def _candidates(keys: tuple[str, ...]) -> tuple[_Mark, ...]:
    spelled = {False: frozenset(keys), True: frozenset(map(loose, keys))}
    return tuple(
        mark
        for mark in _marks()
        if mark.keys <= (there := spelled[mark.loosely])
        and all(names & there for names in mark.anys)
        and not mark.unless & there
    )


def loose(name: str) -> str:
    """``sourceip`` of ``Source IP`` and ``source_ip``; what begins with # is ours and stays."""
    return name if name[:1] == "#" else _SIGNS.sub("", name.lower())


def is_name(name: str) -> bool:
    """Whether `name` may be the name of a log, and is not one too many."""
    if not _NAME.fullmatch(name) or (name not in _names and len(_names) >= MAX_NAMES):
        return False
    _names.add(name)
    return True


def _plan(kind: str, keys: tuple[str, ...]) -> Plan:
    whole = mapping.load("network/words.yml")
    spec = whole["kinds"].get(kind, {})
    product, _, name = kind.partition(".")
    table = spec.get("table") or (whole["zeek"].get(name) if product == "zeek" else None)
    shared = whole["tables"].get(table, {})
    known = {key: Column(key, (index,)) for index, key in enumerate(keys)}
    own = {loose(key): known[key] for key in reversed(keys)} if spec.get("loosely") else dict(known)
    for word, other in whole["spellings"].items() if product == "zeek" else ():
        _make(known, {word: other}, known)
    _make(known, spec.get("fields", {}), own)
    _make(known, {w: s for w, s in shared.get("fields", {}).items() if w not in known}, known)
    # SQL does not tell Proto from proto: of the two ours is kept
    ours = {n.lower(): n for n in (*spec.get("fields", ()), *shared.get("fields", ())) if n in known}
    columns = [
        replace(column, name=own_name(name))
        for name, column in known.items()
        if name[:1] != "#" and ours.get(name.lower(), name) == name
    ]
    return Plan(
        Route(table or kind, tuple(_sources(kind, spec, shared))),
        tuple(columns),
        next(
            (own[n].cells[0] for n in (*spec.get("time", ()), *whole["time"], "timestamp") if n in own), None
        ),
        host=derived("host", whole["host"], known),
        user=derived("user", whole["user"], known),
    )


def _make(known: dict[str, Column], specs: Mapping[str, Any], of: Mapping[str, Column]) -> None:
    """Add what can be made of `of` to `known`."""
    made = {name: column for name, spec in specs.items() if (column := derived(name, spec, of)) is not None}
    known.update(made)


def _sources(kind: str, spec: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterable[LogSource]:
    product, _, service = kind.partition(".")
    entries = [*spec.get("serves", shared.get("serves", ())), *spec.get("also", ())]
    if not entries:
        yield LogSource(product, None, service or None)
    for entry in entries:
        yield LogSource(entry.get("product"), entry.get("category"), entry.get("service"))


def derived(name: str, spec: Any, known: Mapping[str, Column]) -> Column | None:
    """The column `name` as `spec` (in the forms of `mapping`) makes it of columns that may be made themselves."""
    if isinstance(spec, str):
        return replace(known[spec], name=name) if spec in known else None
    if isinstance(spec, list):
        return next((made for choice in spec if (made := derived(name, choice, known)) is not None), None)
    ((transform, arguments),) = spec.items()
    if transform == "value":
        return mapping.constant(name, str(arguments))
    parts = [known.get(argument) for argument in ([arguments] if isinstance(arguments, str) else arguments)]
    return _composed(name, NETWORK[transform], parts)


def _composed(name: str, function: Callable[..., str | None], parts: list[Column | None]) -> Column | None:
    present = [part for part in parts if part is not None]
    if not present:
        return None
    cells = tuple(cell for part in present for cell in part.cells)
    if len(present) == len(parts) and all(part.transform is None for part in present):
        return Column(name, cells, function)

    def made(*texts: str | None) -> str | None:
        rest = iter(texts)
        return function(*(None if part is None else _value(part, rest) for part in parts))

    return Column(name, cells, made)


def _value(part: Column, rest: Any) -> str | None:
    taken = [next(rest) for _ in part.cells]
    return taken[0] if part.transform is None else part.transform(*taken)
