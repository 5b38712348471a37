"""What people do for themselves, and administrators for others."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from kazami.errors import UsageError
from kazami.web.errors import forbidden, missing
from kazami.web.resource import Act, Asking, administrators, everybody
from kazami.web.state import audit, notes, people, sessions

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=people.LONGEST)]


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is new was seen."""


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A filter under a name; an empty one is forgotten."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    filter: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class NewPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may sign in from now on; a reader names tenants, one a line or as a list."""

    name: Name
    role: Literal["administrator", "analyst", "reader"]
    password: Password
    tenants: list[str] = msgspec.field(default_factory=list)


class Ended(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may not sign in any more."""

    name: Name


class Changed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new password, and the old one."""

    old: Password
    new: Password


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token for a program that acts as the person."""

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 90


class Which(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token of one's own, by its id."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Token(msgspec.Struct, frozen=True):
    """The token; it is shown once."""

    token: str


class Ok(msgspec.Struct, frozen=True):
    """It was done."""

    done: bool = True


def seen(asking: Asking) -> Ok:
    """Say that all that is new was seen."""
    notes.saw(asking.site.state, asking.person, f"{asking.desk.name}/")
    return Ok()


def keep_view(asking: Asking) -> Ok:
    """Keep a filter, or forget one."""
    notes.keep_view(asking.site.state, asking.person, asking.query.name, asking.query.filter)
    return Ok()


def add(asking: Asking) -> Ok:
    """Let somebody in."""
    body: NewPerson = asking.query
    tenants = frozenset(t.strip() for text in body.tenants for t in text.splitlines() if t.strip())
    if body.role == "reader":
        unknown = sorted(tenants.difference(*(desk.tenants for desk in asking.site.desks.values())))
        if unknown:
            raise UsageError(f"tenants: there is no tenant {unknown[0][:60]!r} here")
    people.add(
        asking.site.state, body.name, body.role, body.password, tenants if body.role == "reader" else None
    )
    audit.note(
        asking.site.state,
        asking.person.name,
        "add person",
        "people",
        name=body.name,
        role=body.role,
        tenants=sorted(tenants),
    )
    return Ok()


def end(asking: Asking) -> Ok:
    """Let somebody in no more."""
    people.end(asking.site.state, asking.query.name)
    audit.note(asking.site.state, asking.person.name, "end person", "people", name=asking.query.name)
    return Ok()


def change(asking: Asking) -> Ok:
    """Change one's password; all sessions end."""
    if people.signed_in(asking.site.state, asking.person.name, asking.query.old) is None:
        raise forbidden("the old password is another")
    people.change_password(asking.site.state, asking.person, asking.query.new)
    audit.note(asking.site.state, asking.person.name, "change password", "people")
    return Ok()


def token(asking: Asking) -> Token:
    """A token for a program."""
    body: Program = asking.query
    made = sessions.begin(asking.site.state, asking.person, "token", body.label, body.days * 86400.0)
    audit.note(
        asking.site.state, asking.person.name, "make token", "people", label=body.label, days=body.days
    )
    return Token(made)


def end_token(asking: Asking) -> Ok:
    """A token of one's own works no more."""
    if not sessions.end_token(asking.site.state, asking.person, asking.query.id):
        raise missing("you have no such token")
    audit.note(asking.site.state, asking.person.name, "end token", "people", id=asking.query.id)
    return Ok()


ACTS = (
    Act("/seen", "Say that all that is new was seen", seen, Seen, "/", may=everybody),
    Act("/views", "Keep a filter under a name", keep_view, View, "/incidents", may=everybody),
    Act("/people/add", "Let somebody in", add, NewPerson, "/people", may=administrators),
    Act("/people/end", "End an account", end, Ended, "/people", may=administrators),
    Act("/me/password", "Change one's password", change, Changed, "/me", everybody, anywhere=True),
    Act("/me/token", "Make a token for a program", token, Program, "/me", everybody, "token", anywhere=True),
    Act("/me/token/end", "End a token of one's own", end_token, Which, "/me", everybody, anywhere=True),
)
