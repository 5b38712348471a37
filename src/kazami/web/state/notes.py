"""What people said of a place, what they have ticked off there, when they last looked, and the views they keep."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from kazami.errors import UsageError
from kazami.web.state.people import Person
from kazami.web.state.state import State

#: Signs of a comment, and views a person keeps, at most.
COMMENT, VIEWS = 10_000, 50


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said."""

    time: str
    who: str
    text: str


def say(state: State, place: str, tenant: str, who: str, text: str) -> None:
    """Add a comment to a place of a tenant. Raises UsageError for one that is empty or too long."""
    if not text.strip() or len(text) > COMMENT:
        raise UsageError(f"text: 1 to {COMMENT} signs")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    state.run(
        "INSERT INTO comment (place, tenant, time, who, text) VALUES (?, ?, ?, ?, ?)",
        [place, tenant, now, who, text],
    )


def comments(state: State, place: str) -> list[Comment]:
    """The comments of a place, oldest first."""
    return [
        Comment(*row)
        for row in state.rows("SELECT time, who, text FROM comment WHERE place = ? ORDER BY id", [place])
    ]


def tick(state: State, place: str, item: str, who: str, *, done: bool) -> None:
    """Mark an item of a check list as done, or as not done."""
    if not done:
        state.run("DELETE FROM checked WHERE place = ? AND item = ?", [place, item])
        return
    now = datetime.now(UTC).isoformat(timespec="seconds")
    state.run("INSERT OR REPLACE INTO checked VALUES (?, ?, ?, ?)", [place, item[:64], who, now])


def ticked(state: State, place: str) -> dict[str, tuple[str, str]]:
    """The items that are done, with who did them and when."""
    rows = state.rows("SELECT item, who, time FROM checked WHERE place = ?", [place])
    return {item: (who, when) for item, who, when in rows}


def last_seen(state: State, person: Person, place: str) -> float | None:
    """When the person last said that all there was seen; seconds since 1970."""
    rows = state.rows("SELECT time FROM seen WHERE person = ? AND place = ?", [person.id, place])
    return float(rows[0][0]) if rows else None


def saw(state: State, person: Person, place: str) -> None:
    """The person has seen what is there."""
    state.run("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", [person.id, place, time.time()])


def keep_view(state: State, person: Person, name: str, query: str) -> None:
    """Keep a filter under a name; an empty `query` forgets it. Raises UsageError where there are too many."""
    if not query:
        state.run("DELETE FROM view WHERE person = ? AND name = ?", [person.id, name])
        return
    if not 1 <= len(name) <= 60 or len(query) > 2000:
        raise UsageError("name: 1 to 60 signs")
    if len(views(state, person)) >= VIEWS:
        raise UsageError(f"name: {VIEWS} views are the most")
    state.run("INSERT OR REPLACE INTO view VALUES (?, ?, ?)", [person.id, name, query])


def views(state: State, person: Person) -> dict[str, str]:
    """The filters that the person keeps, by name."""
    return dict(state.rows("SELECT name, query FROM view WHERE person = ? ORDER BY name", [person.id]))
