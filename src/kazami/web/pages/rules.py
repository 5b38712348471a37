"""Rules: those in use and what they found, those that could not be loaded, those that this evidence cannot make fire."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kazami.store.browse.lists import Rule, listed, rule, rules
from kazami.web.errors import missing
from kazami.web.resource import Asking, Resource


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rules: `show` those in ``use``, those that ``fired``, ``blind`` ones, or ``rejected`` ones."""

    show: Literal["use", "fired", "blind", "rejected"] = "fired"
    text: str = ""
    level: str = ""
    after: str = ""
    limit: int = 50


class Rules(msgspec.Struct, frozen=True):
    """A page of rules, and the cursor of the next; `others` are blind or rejected ones."""

    rows: list[Rule]
    others: list[dict[str, Any]]
    next: str | None


def shown(asking: Asking) -> Rules:
    """Rules."""
    query: Query = asking.query
    if query.show in ("blind", "rejected"):
        page = listed(asking.reader, query.show, after=query.after, limit=query.limit)
        return Rules([], page.rows, page.next)
    found = rules(
        asking.reader,
        text=query.text,
        level=query.level,
        fired=query.show == "fired",
        after=query.after,
        limit=query.limit,
    )
    return Rules(found.rows, [], found.next)


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
