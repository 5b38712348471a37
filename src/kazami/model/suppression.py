"""Suppressions: findings of one tenant that are kept and marked, and count for nothing, until a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

#: What can be done, as the log says it.
ACTIONS: tuple[str, ...] = ("added", "removed")


@dataclass(frozen=True, slots=True)
class Suppression:
    """What is silenced: findings of `tenant` that meet all that is said here; what is empty is not asked for.

    `rule` is the id of a rule. `host` and `account` are names with ``*`` for anything, with or without domain, in any
    case. `entity` is a host, an account or any value that a rule looked at. `where` are fields that rules looked at, with
    their values, ``*`` for anything. From `expires` on it silences nothing.
    """

    uid: str  # 12 hex digits
    tenant: str
    reason: str
    owner: str
    made: datetime
    expires: datetime
    rule: str = ""
    host: str = ""
    account: str = ""
    entity: str = ""
    where: tuple[tuple[str, str], ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether anything but the tenant is asked for."""
        return any((self.rule, self.host, self.account, self.entity, self.where))


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log: who did what to a suppression, when and why."""

    time: datetime
    who: str
    action: str
    suppression: Suppression
    note: str = ""
