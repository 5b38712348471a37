"""Rules: those in use and what they found, those that could not be loaded, those that this evidence cannot make fire."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from kazami import config, pipeline
from kazami.pipeline.cost import Costs, costs
from kazami.store.browse.lists import Rule, listed, rule, rules
from kazami.store.case import Case
from kazami.web.errors import missing
from kazami.web.resource import Asking, Resource

#: Rules whose cost is shown, the most expensive.
COSTLY = 60


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rules: `show` those in ``use``, those that ``fired``, ``blind`` ones, ``rejected`` ones,
    or what those in use ``cost``.
    """

    show: Literal["use", "fired", "blind", "rejected", "cost"] = "fired"
    text: str = ""
    level: str = ""
    after: str = ""
    limit: int = 50


class Cost(msgspec.Struct, frozen=True):
    """What a rule costs: microseconds in all, of them its `own` evaluation, and its part of all rules' time."""

    id: str
    title: str
    level: str
    microseconds: float
    own: float
    share: float
    evaluations: int
    matches: int


class Measured(msgspec.Struct, frozen=True):
    """The cost of the rules over `events` of the case; `ready` is false while it is measured: ask again."""

    ready: bool
    events: int = 0
    microseconds: float = 0.0
    rows: list[Cost] = msgspec.field(default_factory=list)


class Rules(msgspec.Struct, frozen=True):
    """A page of rules, and the cursor of the next; `others` are blind or rejected ones."""

    rows: list[Rule]
    others: list[dict[str, Any]]
    next: str | None
    cost: Measured | None = None


def shown(asking: Asking) -> Rules:
    """Rules."""
    query: Query = asking.query
    if query.show in ("blind", "rejected"):
        page = listed(asking.reader, query.show, after=query.after, limit=query.limit)
        return Rules([], page.rows, page.next)
    if query.show == "cost":
        return Rules([], [], None, _measured(asking))
    found = rules(
        asking.reader,
        text=query.text,
        level=query.level,
        fired=query.show == "fired",
        after=query.after,
        limit=query.limit,
    )
    return Rules(found.rows, [], found.next)


def measure(case: Path) -> Costs:
    """In a process of its own: the rules of a scan are run over a sample of the events."""
    with Case.open(case, read_only=True) as opened:
        return costs(opened, pipeline.rules_of(pipeline.Request([], case, settings=config.load())).rules)


def _measured(asking: Asking) -> Measured:
    found = asking.desk.soon("cost", measure)
    if found is None:
        return Measured(ready=False)
    total = found.total or 1.0
    rows = [
        Cost(
            *(row.rule.id, row.rule.title, row.rule.level, round(row.total, 1), round(row.own, 1)),
            *(round(row.total / total, 4), row.evaluations, row.matches),
        )
        for row in found.rows[:COSTLY]
    ]
    return Measured(True, found.events, round(found.total, 1), rows)


def one(asking: Asking) -> dict[str, Any]:
    """One rule."""
    found = rule(asking.reader, asking.path["uid"])
    if found is None:
        raise missing("there is no such rule")
    return found


RESOURCES = (
    Resource("/rules", "rules", "Rules in use, rejected and blind", shown, Rules, Query),
    Resource("/rules/{uid}", "rule", "One rule in words", one, dict[str, Any]),
)
