"""Changes that nothing approves, kept in a case: an event of the table ``state_change`` each, and a finding on it.

Hashes, names of services and tasks, accounts and the host are the event's own fields, so that incidents tie a change to where the same thing
was written, started or used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import orjson
import pyarrow as pa

from kazami import __version__
from kazami.detect.change.rank import info, signs, title
from kazami.detect.network.assertion import asserted
from kazami.model.change import Change
from kazami.model.event import LogSource, Route
from kazami.model.finding import level_rank
from kazami.model.result import EvidenceRow
from kazami.pipeline import incidents, made_events
from kazami.pipeline.changes import Told
from kazami.store import duplicates, segment
from kazami.store.case import Case
from kazami.store.run import Run

ROUTE = Route("state_change", (LogSource(None, "state_change", None),))

_FIELDS = (
    "Kind", "Change", "Title", "TargetFilename", "ServiceName", "TaskName", "TargetUserName", "TargetObject", "Hashes",
    "Before", "After", "Signs", "Verdict", "Score", "Baseline",
)  # fmt: skip
#: Which field a thing of a kind is named in; a file where nothing else is said.
_NAMED = {
    "service": "ServiceName", "task": "TaskName", "account": "TargetUserName", "run_key": "TargetObject",
    "portproxy": "TargetObject", "wmi": "TargetObject", "group": "TargetObject", "firewall": "TargetObject",
}  # fmt: skip


def keep(case: Case, told: Sequence[Told]) -> int:
    """Keep what changed and counts (from level low on) in a case that is open for writing, and tell its incidents anew: how many.

    What was kept before is not kept twice.
    """
    counted = {at: [c for c in one.open if level_rank(c.level) > 0] for at, one in enumerate(told)}
    run = Run.beside(case, version=__version__, command="kazami changes")
    for at, changes in counted.items():
        if changes:
            batch = _events(told[at], changes)
            found = [(row, info(change), _matched(told[at], change)) for row, change in enumerate(changes)]
            run.learn([rule for _, rule, _ in found])
            run.commit(
                segments=segment.write(Path(case.root), [batch]),
                findings=asserted(batch, found),
                evidence=[_evidence(told[at])],
            )
    duplicates.find(case)
    incidents.tell(case)
    return sum(map(len, counted.values()))


def _evidence(one: Told) -> EvidenceRow:
    return EvidenceRow(_uid(one.tenant, one.host, one.baseline)[:16], f"changes of {one.host} against {one.baseline}", one.tenant, "changes", 0, 0, 0, 0, "done")  # fmt: skip


def _uid(*words: str) -> str:
    return sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _events(one: Told, changes: Sequence[Change]) -> pa.RecordBatch:
    made = []
    for number, change in enumerate(changes, 1):
        item, fields = change.item, _fields(one, change)
        envelope = {
            "event_uid": _uid(one.tenant, one.host, item.kind, item.name, change.what, repr(sorted(_hard(item.facts).items()))),
            "time": _time(change) or one.made,
            "tenant": one.tenant,
            "host": item.host or one.host,
            "user": item.facts.get("by"),
            "evidence": _evidence(one).uid,
            "record": number,
            "raw": orjson.dumps({name: value for name, value in fields.items() if value}).decode(),
        }  # fmt: skip
        made.append(envelope | fields)
    return made_events.batch(ROUTE, _FIELDS, made)


def _hard(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in facts.items() if name not in ("touched", "by")}


def _time(change: Change) -> datetime | None:
    """When a file was changed by what the file system noted, for a program can set the file's own time."""
    touched = change.item.facts.get("touched")
    return datetime.fromtimestamp(int(touched), UTC) if touched else change.item.time


def _fields(one: Told, change: Change) -> dict[str, str | None]:
    item = change.item
    sha256_ = item.facts.get("sha256", "")
    return dict.fromkeys(_FIELDS, None) | {
        "Kind": item.kind,
        "Change": change.what,
        "Title": title(change, "en"),
        _NAMED.get(item.kind, "TargetFilename"): item.name,
        "Hashes": f"SHA256={sha256_}" if sha256_ else None,
        "Before": _differing(change, 0) or None,
        "After": _differing(change, 1) or None,
        "Signs": "; ".join(signs(change, "en")) or None,
        "Verdict": change.verdict or None,
        "Score": str(change.score),
        "Baseline": one.baseline,
    }


def _differing(change: Change, side: int) -> str:
    """The facts that differ, before (0) or after (1), as ``name=value``; of which type a thing is, its name says."""
    pairs = ((name, pair[side]) for name, pair in change.differing.items() if name != "type")
    return " ".join(f"{name}={value}" for name, value in pairs if value)


def _matched(one: Told, change: Change) -> dict[str, str]:
    return {name: value for name, value in _fields(one, change).items() if value}
