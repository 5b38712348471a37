"""Which rules are blind on which machine, and which setting would give them their sight."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from kazami.detect.sigma.blind import blind, fields
from kazami.detect.sigma.rule import Rule
from kazami.model.event import LogSource
from kazami.model.result import Blind
from kazami.store.case import Case
from kazami.store.names import identifier
from kazami.store.seen import tables
from kazami.survey.presence import Host
from kazami.survey.setting import Setting

#: The log sources of a table's events; the fields that some event of a machine had, by table.
Sources = Mapping[str, tuple[LogSource, ...]]
Filled = dict[Host, dict[str, frozenset[str]]]


def sources(case: Case) -> Sources:
    """All log sources that the events of each table are of."""
    found: dict[str, dict[LogSource, None]] = {}
    for row in case.database.rows('SELECT DISTINCT "table", sources FROM segment'):
        for source in json.loads(row["sources"]):
            found.setdefault(row["table"], {})[LogSource(*source)] = None
    return {table: tuple(named) for table, named in found.items()}


def filled(case: Case, wanted: frozenset[str]) -> Filled:
    """For each machine and table those of the fields `wanted` that had a value in some event."""
    found: Filled = {}
    for name, columns in tables(case).items():
        asked = sorted(columns & wanted)
        counts = "".join(
            f", count(nullif({identifier(column)}, '')) > 0 as c{number}"
            for number, column in enumerate(asked)
        )
        sql = f"select tenant, host{counts} from {identifier(name)} where host is not null group by tenant, host"  # noqa: S608
        _, batches = case.sql(sql)
        for batch in batches:
            for row in batch.to_pylist():
                have = frozenset(column for number, column in enumerate(asked) if row[f"c{number}"])
                found.setdefault((row["tenant"], row["host"]), {})[name] = have
    return found


def blindness(rules: Sequence[Rule], known: Sources, have: Filled) -> dict[Host, list[Blind]]:
    """The rules that nothing on a machine can make fire, by machine; rules for other products are left out."""
    answers: dict[tuple[tuple[str, frozenset[str]], ...], list[Blind]] = {}
    found: dict[Host, list[Blind]] = {}
    for host, seen in have.items():
        key = tuple(sorted(seen.items()))
        if key not in answers:
            products = {source.product for table in seen for source in known.get(table, ())}
            mine = [rule for rule in rules if rule.info.logsource.product in products | {None}]
            answers[key] = blind(
                mine, {known[table]: names for table, names in seen.items() if table in known}
            )
        found[host] = answers[key]
    return found


def wanted(rules: Iterable[Rule]) -> frozenset[str]:
    """The fields that have to be looked for."""
    return fields(rules)


def because(setting: Setting, rules: Iterable[Blind]) -> list[str]:
    """Titles of those of `rules` that see nothing because of the setting, each once, sorted."""
    return sorted({one.rule.title for one in rules if _fed(setting, one)})


def _fed(setting: Setting, one: Blind) -> bool:
    source = one.rule.logsource
    if not {source.category, source.service} & set(setting.feeds):
        return False
    if setting.field:
        return one.reason.startswith("never seen") and setting.field in one.reason.partition(": ")[2].split(
            ", "
        )
    return one.reason.startswith("no events of")
