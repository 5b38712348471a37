"""The nouns of watching for change: what a host or a folder has, a baseline of it, and what differs from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: Facts that are told and never make a change by themselves: when, by whom, and what is only a hint.
SOFT: frozenset[str] = frozenset(("by", "touched"))


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a host has: `kind` (a word of ``place.yml``), `name` (path, service, account ...), and facts of it.

    A thing is the same thing in another snapshot where tenant, host, kind and name are the same; it is altered where
    a fact differs that is not in `SOFT`. `time` is that of the event, or of the file's last change; None where unknown. The fact
    ``touched`` is when the file system last noted a change of the file, which programs cannot set as they like.
    """

    kind: str
    name: str
    facts: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be looked at, with the reason; `count` is 0 where nothing was lost, only passed over."""

    name: str
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """How a folder is read: at most `most` entries, `largest` bytes of one file; `exclude` are patterns of paths."""

    most: int = 1_000_000
    largest: int = 256 << 20
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there was at `made`. Of one that is `whole` what is missing is gone; of `events`, which only say what came, never.

    `source` is where it is from: a folder, or a case. `items` are each once.
    """

    tenant: str
    host: str
    made: datetime
    source: str
    whole: bool
    items: tuple[Item, ...] = ()
    unread: tuple[Unread, ...] = ()
    bounds: Bounds = Bounds()
    events: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """What is said of a stored baseline without reading it all; `items` is their number."""

    uid: str
    tenant: str
    host: str
    made: datetime
    who: str
    source: str
    whole: bool
    items: int
    note: str = ""
    bounds: Bounds = Bounds()
    unread: tuple[Unread, ...] = ()
    events: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `what` is new, altered or removed.

    `rule` names the row of ``change.yml`` that says what it means, `level` and `score` (0 to 100) how much it counts after what
    is known of the file; `verdict` is that, in words. `approval` is the id of what allows it, "" for nothing.
    """

    what: str
    item: Item
    before: Item | None = None
    rule: str = ""
    level: str = "informational"
    score: int = 0
    verdict: str = ""
    signs: tuple[str, ...] = ()
    approval: str = ""

    @property
    def differing(self) -> dict[str, tuple[str, str]]:
        """The facts that differ, before and after."""
        before = self.before.facts if self.before else {}
        names = sorted({*before, *self.item.facts} - SOFT)
        pairs = {name: (before.get(name, ""), self.item.facts.get(name, "")) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


@dataclass(frozen=True, slots=True)
class Approval:
    """Changes of one tenant that are allowed: those that meet all that is said; what is empty is not asked for.

    `name`, `host` and `kind` may have ``*`` for anything; `sha256` is that of the file afterwards. A change window has `begins` and
    `ends`: what changed between them is allowed. From `expires` on it allows nothing.
    """

    uid: str
    tenant: str
    reason: str
    owner: str
    made: datetime
    expires: datetime
    kind: str = ""
    host: str = ""
    name: str = ""
    sha256: str = ""
    begins: datetime | None = None
    ends: datetime | None = None
