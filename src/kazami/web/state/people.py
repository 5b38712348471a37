"""People: who they are, what they may do, and whose data they see."""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from kazami.errors import UsageError
from kazami.web.state.state import State

if TYPE_CHECKING:
    from argon2 import PasswordHasher

#: Roles, the strongest first. A reader of a tenant sees this tenant alone, and changes nothing but comments.
ROLES: tuple[str, ...] = ("administrator", "analyst", "reader")

_PEOPLE = "SELECT id, name, role, tenants, outside FROM person WHERE ended IS NULL"

#: Signs of a password, at least and at most.
SHORTEST, LONGEST = 12, 256


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in. `tenants` None: all of them."""

    id: int
    name: str
    role: str
    tenants: frozenset[str] | None = None
    outside: bool = False  # signs in elsewhere, and has no password here

    @property
    def is_provider(self) -> bool:
        """Whether this person works for the provider, and sees all tenants."""
        return self.tenants is None

    @property
    def may_write(self) -> bool:
        """Whether this person may change incidents, suppress, and send notices."""
        return self.role in ("administrator", "analyst")

    @property
    def is_administrator(self) -> bool:
        """Whether this person may change who may do what."""
        return self.role == "administrator"


@cache
def hasher() -> PasswordHasher:
    """Argon2id as RFC 9106 recommends where memory is short: 64 MiB, three passes."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)


@cache
def _nobody() -> str:
    """A hash that no password has: an unknown name takes as long as a wrong password."""
    return hasher().hash(secrets.token_hex(16))


def anybody(state: State) -> bool:
    """Whether there is anybody yet."""
    return bool(state.rows("SELECT 1 FROM person LIMIT 1"))


def add(state: State, name: str, role: str, password: str, tenants: frozenset[str] | None = None) -> Person:
    """A new person. Raises UsageError where the name is taken, or anything is not as it must be."""
    _check(name, role, password, tenants)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    kept = json.dumps(sorted(tenants)) if tenants is not None else ""
    try:
        state.run(
            "INSERT INTO person (name, role, tenants, password, made) VALUES (?, ?, ?, ?, ?)",
            [name, role, kept, hasher().hash(password), now],
        )
    except sqlite3.IntegrityError as error:
        raise UsageError(f"name: {name!r} is taken") from error
    return named(state, name)


def _check(name: str, role: str, password: str, tenants: frozenset[str] | None) -> None:
    _check_person(name, role, tenants)
    check_password(name, password)


def _check_person(name: str, role: str, tenants: frozenset[str] | None) -> None:
    if not 1 <= len(name) <= 64 or not name.isprintable() or name != name.strip():
        raise UsageError("name: 1 to 64 signs that can be printed")
    if role not in ROLES:
        raise UsageError(f"role: one of {', '.join(ROLES)}")
    if (role == "reader") != (tenants is not None) or tenants == frozenset():
        raise UsageError("tenants: a reader has one or more, others have none")


def check_password(name: str, password: str) -> None:
    """Raises UsageError for a password that must not be used."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"password: {SHORTEST} to {LONGEST} signs")
    if name.lower() in password.lower() or len(set(password)) < 5:
        raise UsageError("password: is too easily guessed")


def named(state: State, name: str) -> Person:
    """The person called `name`. Raises UsageError where there is none."""
    rows = state.rows(f"{_PEOPLE} AND name = ?", [name])
    if not rows:
        raise UsageError(f"name: nobody is called {name!r}")
    return _person(rows[0])


def by_id(state: State, number: int) -> Person | None:
    """The person with this number, unless the account was ended."""
    rows = state.rows(f"{_PEOPLE} AND id = ?", [number])
    return _person(rows[0]) if rows else None


def _person(row: tuple[int, str, str, str, str | None]) -> Person:
    number, name, role, tenants, outside = row
    return Person(number, name, role, frozenset(json.loads(tenants)) if tenants else None, bool(outside))


def from_outside(
    state: State, key: str, name: str, role: str, tenants: frozenset[str] | None = None
) -> Person:
    """Who is signed in elsewhere as `key`: a new person, or a known one with the role and the tenants of today.

    Raises UsageError where somebody else is called so, the account was ended here, or a reader has no tenant.
    """
    _check_person(name, role, tenants)
    kept = json.dumps(sorted(tenants)) if tenants is not None else ""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with state.transaction():
        known = state.rows("SELECT ended FROM person WHERE outside = ?", [key])
        if known and known[0][0]:
            raise UsageError("name: this account was ended")
        try:
            if known:
                state.run(
                    "UPDATE person SET name = ?, role = ?, tenants = ? WHERE outside = ?",
                    [name, role, kept, key],
                )
            else:
                state.run(
                    "INSERT INTO person (name, role, tenants, password, made, outside) VALUES (?, ?, ?, '', ?, ?)",
                    [name, role, kept, now, key],
                )
        except sqlite3.IntegrityError as error:
            raise UsageError(f"name: somebody else is called {name!r} here") from error
    return named(state, name)


def sign_out(state: State, key: str) -> None:
    """End all sessions of who is signed in elsewhere as `key`, and their tokens."""
    state.run("DELETE FROM session WHERE person IN (SELECT id FROM person WHERE outside = ?)", [key])


def everybody(state: State) -> list[Person]:
    """All people, by name."""
    rows = state.rows(f"{_PEOPLE} ORDER BY name")
    return [_person(row) for row in rows]


def signed_in(state: State, name: str, password: str) -> Person | None:
    """The person, where the password is right; it takes the same time where nobody is called so."""
    from argon2.exceptions import InvalidHashError, VerificationError

    rows = state.rows("SELECT password FROM person WHERE name = ? AND ended IS NULL", [name[:64]])
    kept = rows[0][0] if rows else _nobody()
    try:
        hasher().verify(kept, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return None
    return named(state, name) if rows else None


def change_password(state: State, person: Person, password: str) -> None:
    """Set a new password, and end all sessions of the person."""
    check_password(person.name, password)
    with state.transaction():
        state.run("UPDATE person SET password = ? WHERE id = ?", [hasher().hash(password), person.id])
        state.run("DELETE FROM session WHERE person = ?", [person.id])


def end(state: State, name: str) -> None:
    """End an account. Raises UsageError for the last administrator."""
    person = named(state, name)
    others = [p for p in everybody(state) if p.is_administrator and p.id != person.id]
    if person.is_administrator and not others:
        raise UsageError("name: the last administrator cannot be ended")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with state.transaction():
        state.run("UPDATE person SET ended = ?, name = name || '#' || id WHERE id = ?", [now, person.id])
        state.run("DELETE FROM session WHERE person = ?", [person.id])
