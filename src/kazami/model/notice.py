"""Notices: what is said to one tenant about what happened to it, and the actions that bring it there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

#: FIRST's Traffic Light Protocol 2.0.
TLP: tuple[str, ...] = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")

#: A tenant in which somebody did something, and one that was only tried.
CONDITIONS: tuple[str, ...] = ("affected", "targeted")

CHANNELS: tuple[str, ...] = ("file", "mail", "webhook", "call")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `time` is UTC, or None where nobody knows."""

    time: datetime | None
    text: str
    host: str = ""
    account: str = ""
    tactic: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Evidence for it: which rule saw which record of which file."""

    finding_uid: str
    title: str
    level: str
    time: str
    host: str
    evidence: str
    record: int


@dataclass(frozen=True, slots=True)
class Notice:
    """All of it in one language for one kind of reader. Made of one tenant's data only; see `respond.notify.build`."""

    notice_uid: str
    tenant: str
    name: str
    audience: str
    lang: str
    tlp: str
    condition: str
    severity: str
    title: str
    summary: tuple[str, ...]
    happened: tuple[Line, ...]
    proofs: tuple[Proof, ...]
    todo: tuple[str, ...]
    call: tuple[str, ...]
    band: str
    hosts: tuple[str, ...]
    accounts: tuple[str, ...]
    techniques: tuple[str, ...]
    incidents: tuple[tuple[str, str], ...]  # id, title
    first: datetime | None
    last: datetime | None
    more_proofs: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """One step of delivery: `target` is an address, a web address, a telephone or a file; `digest` is of what is sent."""

    action_uid: str
    notice_uid: str
    tenant: str
    channel: str
    target: str
    path: str
    digest: str
    independent: bool = False
    why: str = ""
