"""What a person finds by hunting becomes findings."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from kazami.pipeline.asserted import MOST, Claim, assert_
from kazami.web.pages.hunts import hunt_of
from kazami.web.resource import Act, Asking
from kazami.web.state import audit

Level = Literal["informational", "low", "medium", "high", "critical"]
Events = Annotated[list[str], msgspec.Meta(min_length=1, max_length=MOST)]


class Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events of the answer to a hunt that are findings."""

    events: Events
    level: Level = "medium"
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class FoundBySql(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events of the answer to a question in SQL that are findings, called `title`."""

    events: Events
    title: Annotated[str, msgspec.Meta(min_length=3, max_length=200)]
    query: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
    level: Level = "medium"
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class Done(msgspec.Struct, frozen=True):
    """The rule that the findings are of, and how many are new."""

    rule: str
    new: int


def of_hunt(asking: Asking) -> Done:
    """Findings out of the answer to a hunt."""
    hunt, body = hunt_of(asking).hunt, asking.query
    said = (hunt.title.of("en"), body.level, asking.person.name, body.note)
    return _asserted(asking, Claim(hunt.id, *said, hunt.question.of("en"), hunt.techniques))


def of_sql(asking: Asking) -> Done:
    """Findings out of the answer to a question in SQL."""
    body = asking.query
    return _asserted(asking, Claim(body.query, body.title, body.level, asking.person.name, body.note))


def _asserted(asking: Asking, claim: Claim) -> Done:
    done = asking.desk.change("hunt", assert_, claim, asking.query.events)
    for tenant in done.tenants:
        audit.note(
            asking.site.state, claim.who, "assert findings", f"rule/{done.rule}", tenant,
            source=claim.source[:2000], level=claim.level, events=asking.query.events[:20], new=done.new, note=claim.note,
        )  # fmt: skip
    return Done(done.rule, done.new)


_BACK = "/findings?rule={rule}"

ACTS = (
    Act("/hunts/{id}/findings", "Make findings of events that a hunt found", of_hunt, Found, _BACK),
    Act("/ask/findings", "Make findings of events that a question found", of_sql, FoundBySql, _BACK),
)
