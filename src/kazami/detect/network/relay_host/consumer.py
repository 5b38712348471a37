"""The first session of an administrator's account from a consumer's network, when it came from elsewhere before.

Source: AA23-144A and AA24-038A: stolen accounts are used through devices in homes and small offices near the victim. People work from home as well: this alone says little, and without a
past of the account nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from kazami.intel.networks import Owner

DAY = 86_400_000_000

#: What makes a past: sessions before, over so many days.
SESSIONS, DAYS = 5, 3
_WEIGHT = 0.3


class Session(NamedTuple):
    """A log-on that succeeded, from an address outside."""

    time: int
    address: str
    place: int  # of its event, in a list of the caller's


def firsts(
    sessions: Sequence[Session], owner: Callable[[str], Owner | None]
) -> Iterator[tuple[Session, float, str]]:
    """Sessions of one account, in order of time: the first of each consumer's network that its past does not have, and how much it says."""
    known: set[str] = set()
    for number, session in enumerate(sessions):
        found = owner(session.address)
        name = (found.name or str(found.asn)) if found else session.address
        past = number >= SESSIONS and session.time - sessions[0].time >= DAYS * DAY
        if found and found.kind == "consumer" and name not in known and past:
            yield session, _WEIGHT, f"first from {found} after {number:,} sessions from elsewhere"
        known.add(name)
