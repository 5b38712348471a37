"""Hunts: questions in words that packs bring, and free questions in SQL. For people of the provider: both see all tenants."""

from __future__ import annotations

from typing import Any

import msgspec

from kazami.errors import UsageError
from kazami.store.seen import views
from kazami.store.sql import Limits
from kazami.survey.answer import ask
from kazami.survey.hunts import Packed, load
from kazami.web.errors import missing
from kazami.web.resource import Asking, Resource, provider

#: Rows of an answer, and seconds that a question may take.
ROWS, SECONDS = 200, 20.0

#: Signs of a question.
LONGEST = 20_000


class Listed(msgspec.Struct, frozen=True):
    """A hunt as a list shows it."""

    id: str
    pack: str
    title: str
    question: str
    techniques: list[str]
    needs: list[str]


class Answered(msgspec.Struct, frozen=True):
    """A hunt and what the case answers: `state`, the rows, how to read them, what next."""

    hunt: Listed
    state: str
    names: list[str]
    rows: list[list[Any]]
    more: bool
    missing: list[str]
    reason: str
    answer: str
    next: str
    sql: str


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`query` is one SELECT over the views of the case."""

    query: str = ""


class Result(msgspec.Struct, frozen=True):
    """The answer to a question in SQL, and the views that can be asked."""

    names: list[str]
    rows: list[list[Any]]
    more: bool
    views: dict[str, list[str]]
    wrong: str = ""


def _listed(one: Packed, lang: str) -> Listed:
    hunt = one.hunt
    needs = [need.log for need in hunt.needs if not need.extra]
    about = (hunt.title.of(lang), hunt.question.of(lang))
    return Listed(hunt.id, one.pack, *about, list(hunt.techniques), needs)


def listed(asking: Asking) -> list[Listed]:
    """All hunts."""
    return [_listed(one, asking.lang) for one in load().loaded]


def hunt_of(asking: Asking) -> Packed:
    """The hunt that the path names. Raises RefusedError where there is none."""
    for packed in load().loaded:
        if packed.hunt.id == asking.path["id"]:
            return packed
    raise missing("there is no such hunt")


def answered(asking: Asking) -> Answered:
    """One hunt, asked of the case."""
    one = hunt_of(asking)
    with asking.desk.opened() as case:
        told = ask(case, one.hunt, views(case), ROWS)
    return Answered(
        hunt=_listed(one, asking.lang),
        state=told.state.value,
        names=list(told.names),
        rows=[[_plain(value) for value in row] for row in told.rows],
        more=told.more,
        missing=[str(gone) for gone in told.missing],
        reason=told.reason,
        answer=one.hunt.answer.of(asking.lang),
        next=one.hunt.next.of(asking.lang),
        sql=one.hunt.sql,
    )


def asked(asking: Asking) -> Result:
    """A question in SQL."""
    query = asking.query.query.strip()
    with asking.desk.opened() as case:
        known = {name: sorted(columns) for name, columns in sorted(views(case).items())}
        if not query:
            return Result([], [], False, known)
        if len(query) > LONGEST:
            return Result([], [], False, known, f"query: {LONGEST} signs at most")
        try:
            names, batches = case.sql(query, Limits(seconds=SECONDS, batch=256))
            rows: list[list[Any]] = []
            for batch in batches:
                rows += [[_plain(v) for v in row.values()] for row in batch.to_pylist()]
                if len(rows) > ROWS:
                    break
        except UsageError as error:
            return Result([], [], False, known, str(error))
    return Result(names, rows[:ROWS], len(rows) > ROWS, known)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | bool) else str(value)


RESOURCES = (
    Resource("/hunts", "hunts", "Hunts of the packs", listed, list[Listed], may=provider),
    Resource("/hunts/{id}", "hunt", "One hunt, asked of the case", answered, Answered, may=provider),
    Resource("/ask", "ask", "A question in SQL, with limits", asked, Result, Query, may=provider),
)
