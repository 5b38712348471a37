"""Sessions of browsers and tokens of programs: random, and kept only as digests."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from kazami.web.state import people
from kazami.web.state.people import Person
from kazami.web.state.state import State

#: Seconds after which a session ends: unused, and in any case.
IDLE, LONGEST = 8 * 3600.0, 7 * 86400.0

#: Seconds that a link for the first sign-in works, and that a token of a program works.
SETUP, TOKEN = 3600.0, 365 * 86400.0

#: Seconds after which who signs in elsewhere has to do so again, so that what was taken from them there is taken here.
OUTSIDE = 12 * 3600.0

#: Seconds between two notes that a session was used.
_NOTE = 60.0


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody is signed in: by a browser, or as a program (`kind` ``token``) that needs no proof of origin."""

    person: Person
    secret: str
    kind: str

    @property
    def proof(self) -> str:
        """What forms of this session carry, and no other site knows."""
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest()


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def begin(
    state: State, person: Person, kind: str = "browser", label: str = "", seconds: float = LONGEST
) -> str:
    """The secret of a new session."""
    secret = secrets.token_urlsafe(32)
    now = time.time()
    state.run(
        "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?)",
        [digest(secret), person.id, kind, label[:64], now, now, now + seconds],
    )
    return secret


def of(state: State, secret: str) -> Session | None:
    """The session with this secret; None where there is none, or it has ended."""
    now = time.time()
    rows = state.rows("SELECT person, kind, used, until FROM session WHERE digest = ?", [digest(secret)])
    if not rows:
        return None
    number, kind, used, until = rows[0]
    if now > until or (kind == "browser" and now - used > IDLE):
        end(state, secret)
        return None
    if now - used > _NOTE:
        state.run("UPDATE session SET used = ? WHERE digest = ?", [now, digest(secret)])
    person = people.by_id(state, number)
    return Session(person, secret, kind) if person else None


def end(state: State, secret: str) -> None:
    """End a session."""
    state.run("DELETE FROM session WHERE digest = ?", [digest(secret)])


@dataclass(frozen=True, slots=True)
class Token:
    """What is told of a token: the beginning of its digest, and when; times are seconds since 1970."""

    id: str
    label: str
    made: float
    used: float
    until: float


#: Signs of a digest by which a token is called.
_ID = 16


def tokens(state: State, person: Person) -> list[Token]:
    """The tokens of a person that still work, the newest first."""
    rows = state.rows(
        "SELECT digest, label, made, used, until FROM session WHERE person = ? AND kind = 'token' AND until > ? "
        "ORDER BY made DESC",
        [person.id, time.time()],
    )
    return [Token(row[0][:_ID], *row[1:]) for row in rows]


def end_token(state: State, person: Person, uid: str) -> bool:
    """End a token of the person; whether there was one."""
    return bool(
        state.run(
            "DELETE FROM session WHERE person = ? AND kind = 'token' AND substr(digest, 1, ?) = ?",
            [person.id, _ID, uid],
        )
    )


def setup(state: State) -> str:
    """A new secret for whoever makes the first account; older ones end."""
    secret = secrets.token_urlsafe(24)
    with state.transaction():
        state.run("DELETE FROM about WHERE key IN ('setup', 'setup until')")
        state.run("INSERT INTO about VALUES ('setup', ?)", [digest(secret)])
        state.run("INSERT INTO about VALUES ('setup until', ?)", [str(time.time() + SETUP)])
    return secret


def set_up(state: State, secret: str, name: str, password: str) -> Person | None:
    """Make the first account, an administrator's; None where the secret is not, or no longer, the one given out.

    Raises UsageError for a name or password that cannot be; the secret then works on.
    """
    with state.transaction():
        kept = dict(state.rows("SELECT key, value FROM about WHERE key IN ('setup', 'setup until')"))
        fits = hmac.compare_digest(kept.get("setup", ""), digest(secret))
        if not fits or time.time() > float(kept.get("setup until", 0)) or people.anybody(state):
            return None
        person = people.add(state, name, "administrator", password)
        state.run("DELETE FROM about WHERE key IN ('setup', 'setup until')")
    return person
