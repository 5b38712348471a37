"""Blocks: values known to be bad, what is done about each, for how long, and why not where nothing is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kazami.model.incident import Text

#: What can be blocked. A certificate is its SHA-1 or SHA-256 in hex, ``ja3`` the MD5 of a client's hello.
KINDS: tuple[str, ...] = ("address", "domain", "url", "ja3", "certificate")

#: How sure, weakest first.
CONFIDENCES: tuple[str, ...] = ("low", "medium", "high")

#: Hours that a block lasts where nobody says otherwise, by confidence, and at most.
HOURS: dict[str, int] = {"low": 6, "medium": 24, "high": 168}
MOST_HOURS = 2160


@dataclass(frozen=True, slots=True)
class Indicator:
    """A value that findings of one tenant name as bad. `findings` are uids, `titles` the rules' in the same order.

    `names` counts the different names that led to an address in the tenant's own evidence: many mean shared hosting.
    """

    tenant: str
    kind: str
    value: str
    confidence: str
    findings: tuple[str, ...]
    titles: tuple[str, ...]
    names: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """One step of blocking, for one tenant and made of its data. Nothing is done where `refused` says why.

    `warning` says who else could be hit; such a block is carried out when it is asked for by name only. `until` is set when it is
    carried out, `seconds` before.
    """

    block_uid: str
    tenant: str
    kind: str
    value: str
    confidence: str
    seconds: int
    findings: tuple[str, ...]
    reason: Text
    refused: Text | None = None
    warning: Text | None = None
    until: datetime | None = None

    def left(self, now: datetime) -> int:
        """Seconds that it lasts from `now` on, at least one."""
        return max(1, round((self.until - now).total_seconds())) if self.until else self.seconds


def sure(confidence: str) -> int:
    """Position in `CONFIDENCES`; an unknown one is the weakest."""
    return CONFIDENCES.index(confidence) if confidence in CONFIDENCES else 0
