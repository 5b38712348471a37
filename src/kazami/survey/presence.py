"""What a case holds of each host: counts by log and event id, and the platforms that the logs speak of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kazami.store.case import Case
from kazami.store.names import identifier, literal
from kazami.store.seen import tables, views
from kazami.survey.setting import Setting, Sign

#: A machine: its tenant and its name. A tenant as a whole has the name None.
Host = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Seen:
    """Events of one kind: how many, from when to when."""

    events: int
    first: datetime | None = None
    last: datetime | None = None

    def __add__(self, other: Seen) -> Seen:
        times = [time for time in (self.first, other.first) if time is not None]
        ends = [time for time in (self.last, other.last) if time is not None]
        return Seen(self.events + other.events, min(times, default=None), max(ends, default=None))


NONE = Seen(0)
#: Signs that were seen, by host.
Signs = Mapping[Host, Mapping[Sign, Seen]]


def hosts(case: Case) -> dict[Host, frozenset[str]]:
    """All machines, with the products (``windows``, ``linux``, ``zeek`` ...) whose logs the case has of them."""
    products: dict[str, set[str]] = {}
    for table in tables(case):
        named = {source.product for source in table.sources if source.product}
        products.setdefault(table.name, set()).update(named)
    found: dict[Host, set[str]] = {}
    sql = 'select tenant, host, "table" as log from event where host is not null group by all'
    for row in _rows(case, sql):
        found.setdefault((row["tenant"], row["host"]), set()).update(products.get(row["log"], ()))
    return {host: frozenset(named) for host, named in found.items()}


def signs(case: Case, settings: Iterable[Setting]) -> Signs:
    """For each machine, and each tenant as a whole, the signs of `settings` that were seen."""
    wanted = dict.fromkeys(sign for one in settings for sign in (*one.signs, *one.denied))
    known = views(case)
    found: dict[Host, dict[Sign, Seen]] = {}
    for log in dict.fromkeys(sign.log for sign in wanted):
        if log.lower() not in known:
            continue
        asked = [sign for sign in wanted if sign.log == log]
        for row in _rows(case, *_query(log, asked)):
            for number, sign in enumerate(asked):
                seen = Seen(row[f"n{number}"], row[f"first{number}"], row[f"last{number}"])
                for host in ((row["tenant"], row["host"]), (row["tenant"], None)) if seen.events else ():
                    kept = found.setdefault(host, {})
                    kept[sign] = kept.get(sign, NONE) + seen
    return found


def _query(log: str, asked: list[Sign]) -> tuple[str, dict[str, tuple[str, ...]]]:
    columns = dict.fromkeys(
        name for sign in asked for name in ("EventID" if sign.ids else "", sign.field) if name
    )
    parts = []
    for number, sign in enumerate(asked):
        only = f"filter ({_condition(sign)})"
        parts.append(
            f"count(*) {only} as n{number}, min(time) {only} as first{number}, max(time) {only} as last{number}"
        )
    sql = f"select tenant, host, {', '.join(parts)} from {identifier(log)} group by tenant, host"  # noqa: S608 - quoted
    return sql, {log: tuple(columns)}


def _condition(sign: Sign) -> str:
    parts = ["true"]
    if sign.ids:
        parts.append(f"EventID in ({', '.join(map(literal, sign.ids))})")
    if sign.field:
        field = identifier(sign.field)
        parts.append(f"{field} = {literal(sign.value)}" if sign.value else f"coalesce({field}, '') <> ''")
    return " and ".join(parts)


def _rows(
    case: Case, sql: str, fill: Mapping[str, tuple[str, ...]] | None = None
) -> Iterator[dict[str, Any]]:
    _, batches = case.sql(sql, fill=fill or {})
    for batch in batches:
        yield from batch.to_pylist()
