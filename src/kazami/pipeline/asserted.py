"""What a person finds in the answer to a hunt becomes findings, which belong to incidents as those of rules do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa

from kazami.errors import UsageError
from kazami.model.finding import FINDING, LEVELS
from kazami.model.rule import RuleInfo
from kazami.pipeline import incidents
from kazami.store import asserted
from kazami.store.case import Case
from kazami.store.read import events

#: Events that are asserted at a time.
MOST = 200

#: Fields of an event that its finding repeats, where it has them, and signs of each.
_SHOWN, _LONGEST = ("CommandLine", "Image", "TargetFilename", "TargetObject", "uri", "EventID"), 2000


@dataclass(frozen=True, slots=True)
class Claim:
    """What is asserted: `source` is the id of a hunt, or the SQL that was asked; `title` says it in words.

    What tenants see of it are `title`, `about` and `note`; the SQL may name others.
    """

    source: str
    title: str
    level: str
    who: str
    note: str = ""
    about: str = ""
    techniques: tuple[str, ...] = ()

    @property
    def rule(self) -> RuleInfo:
        """The claim as a rule: the same hunt and level are the same one, whoever asserts it."""
        name = self.source if self.source.isalnum() else sha256(self.source.encode()).hexdigest()[:12]
        uid = f"hunt.{name}.{self.level}"
        version = sha256(f"{uid}\0{self.title}".encode()).hexdigest()[:16]
        tags = tuple(f"attack.{technique.lower()}" for technique in self.techniques)
        return RuleInfo(uid, version, self.title, self.level, kind="hunt", description=self.about, tags=tags)


@dataclass(frozen=True, slots=True)
class Asserted:
    """What came of it: the rule's id, how many findings are new, and the tenants that they are of."""

    rule: str
    new: int
    tenants: tuple[str, ...]


def assert_(case: Case, claim: Claim, event_uids: Sequence[str]) -> Asserted:
    """Make a finding of each event, and tell the incidents anew at once.

    Raises UsageError where there is no such event, there are more than `MOST`, or the level is none.
    """
    if claim.level not in LEVELS:
        raise UsageError(f"level: one of {', '.join(LEVELS)}")
    wanted = list(dict.fromkeys(event_uids))
    if not 1 <= len(wanted) <= MOST:
        raise UsageError(f"events: 1 to {MOST} at a time")
    found = events(case, wanted)
    gone = next((uid for uid in wanted if uid not in found), None)
    if gone is not None:
        raise UsageError(f"events: this case has no event {gone[:64]!r}")
    rule, now = claim.rule, datetime.now(UTC)
    rows = [_finding(rule, claim, uid, found[uid], now) for uid in wanted]
    new = asserted.keep(case, rule, pa.Table.from_pylist(rows, FINDING))
    if new:
        incidents.tell(case)
    return Asserted(rule.id, new, tuple(sorted({row["tenant"] for row in rows})))


def _finding(
    rule: RuleInfo, claim: Claim, uid: str, event: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """It says who asserted it and when. The same event asserted again is the same finding."""
    said = {name: str(event[name])[:_LONGEST] for name in _SHOWN if event.get(name)}
    said |= {"asserted by": claim.who, "asserted at": now.isoformat(timespec="seconds")}
    if claim.note:
        said["note"] = claim.note
    return {name: event.get(name) for name in FINDING.names} | {
        "finding_uid": sha256(f"{rule.id}\0{uid}".encode()).hexdigest()[:32],
        "rule_id": rule.id,
        "rule_version": rule.version,
        "time": datetime.fromisoformat(event["time"]) if event["time"] else None,
        "event_uids": [uid],
        "matched": list(said.items()),
    }
