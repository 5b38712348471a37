"""Which rules are blind on which machine, and which setting would give them their sight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kazami.detect.sigma.blind import blind, fields
from kazami.detect.sigma.rule import Rule
from kazami.model.event import LogSource
from kazami.model.result import Blind
from kazami.store.case import Case
from kazami.store.names import identifier
from kazami.store.seen import tables
from kazami.survey.presence import Host
from kazami.survey.setting import Setting

#: For each machine the kinds of event that it wrote: their log sources, and the fields that had a value.
Filled = dict[Host, dict[tuple[LogSource, ...], frozenset[str]]]


def filled(case: Case, wanted: frozenset[str]) -> Filled:
    """For each machine and kind of event those of the fields `wanted` that had a value."""
    found: Filled = {}
    for table in tables(case):
        asked = sorted(table.columns & wanted)
        counts = "".join(
            f", count(nullif({identifier(column)}, '')) > 0 as c{number}"
            for number, column in enumerate(asked)
        )
        sql = f"""select tenant, host{counts} from {identifier(table.view)} where host is not null
            group by tenant, host"""  # noqa: S608 - names are quoted
        _, batches = case.sql(sql)
        for batch in batches:
            for row in batch.to_pylist():
                have = frozenset(column for number, column in enumerate(asked) if row[f"c{number}"])
                kinds = found.setdefault((row["tenant"], row["host"]), {})
                kinds[table.sources] = kinds.get(table.sources, frozenset()) | have
    return found


def blindness(rules: Sequence[Rule], have: Filled) -> dict[Host, list[Blind]]:
    """The rules that nothing on a machine can make fire, by machine; rules for other products are left out."""
    answers: dict[frozenset[tuple[tuple[LogSource, ...], frozenset[str]]], list[Blind]] = {}
    found: dict[Host, list[Blind]] = {}
    for host, seen in have.items():
        key = frozenset(seen.items())
        if key not in answers:
            products = {source.product for sources in seen for source in sources}
            mine = [rule for rule in rules if rule.info.logsource.product in products | {None}]
            answers[key] = blind(mine, seen)
        found[host] = answers[key]
    return found


def wanted(rules: Iterable[Rule]) -> frozenset[str]:
    """The fields that have to be looked for."""
    return fields(rules)


def because(setting: Setting, rules: Iterable[Blind]) -> list[str]:
    """Titles of those of `rules` that see nothing because of the setting, each once, sorted."""
    feeds = frozenset(setting.feeds)
    return sorted(
        {
            one.rule.title
            for one in rules
            if (one.rule.logsource.category in feeds or one.rule.logsource.service in feeds)
            and _fed(setting, one)
        }
    )


def _fed(setting: Setting, one: Blind) -> bool:
    if setting.field:
        return one.reason.startswith("never seen") and setting.field in one.reason.partition(": ")[2].split(
            ", "
        )
    return one.reason.startswith("no events of")
