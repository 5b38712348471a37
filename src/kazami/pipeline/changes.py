"""What changed on a host: a folder against a baseline, or what events say after a day against what they said before it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from kazami.correlate.entity import host as short
from kazami.detect.change.compare import compare
from kazami.detect.change.rank import ranked
from kazami.errors import UsageError
from kazami.intel.reputation.shelf import Shelf
from kazami.intel.reputation.shelf import default as shelf_folder
from kazami.model.change import Approval, Change, Header, Item, Snapshot, Unread
from kazami.model.content import Inspection
from kazami.pipeline.inspect import Submission, Wish, inspect
from kazami.store.case import Case
from kazami.survey.state import Seen, known, seen

#: Kinds of places whose new and altered files are looked into, and how many files at most.
INSPECTED = frozenset(("web_root", "startup", "task", "driver", "system_file", "cron", "boot", "unit", "preload", "wmi"))  # fmt: skip
MOST_INSPECTED = 500


@dataclass(frozen=True, slots=True)
class Told:
    """What changed at one host, the gravest first; `baseline` is what it was held against, in words.

    `notes` are for people; `unread` is what could not be looked at now; `events` are the events that say so, by kind and name.
    """

    tenant: str
    host: str
    baseline: str
    made: datetime
    changes: tuple[Change, ...] = ()
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    inspected: Mapping[str, Inspection] = field(default_factory=dict)
    events: Mapping[tuple[str, str], Seen] = field(default_factory=dict)

    @property
    def open(self) -> list[Change]:
        """The changes that nothing approves."""
        return [one for one in self.changes if not one.approval]


def of_folder(
    now: Snapshot,
    header: Header,
    before: Iterable[Item],
    approvals: Sequence[Approval] = (),
    wish: Wish | None = None,
    *,
    at: str = "",
) -> Told:
    """A folder as it is `now` against a baseline of it; with a `wish` new and altered files in `INSPECTED` are looked into."""
    excluded = (*now.bounds.exclude, *header.bounds.exclude)
    missed = {one.name for one in (*now.unread, *header.unread) if one.count}
    found = [
        change
        for change in compare(before, now.items, whole=now.whole and header.whole)
        if not _passed(change, excluded, missed)
    ]
    notes = list(_doubts(now, header))
    inspected = _inspect(found, now, at, wish, notes) if wish else {}
    verdicts = {**{sha: one.verdict.word for sha, one in inspected.items()}, **_reputation(found)}
    changes = approved(ranked(found, verdicts), now.tenant, now.host, approvals)
    return Told(now.tenant, now.host, _said(header), now.made, tuple(changes), now.unread, tuple(notes), inspected)  # fmt: skip


def _passed(change: Change, excluded: Sequence[str], missed: set[str]) -> bool:
    """Whether nothing can be said: it is left out, or could not be read in one of the two."""
    name = change.item.name
    if name.partition(": ")[0] in missed or _below(name, missed):
        return True
    return any(fnmatch.fnmatch(name, pattern) for pattern in excluded)


def _below(name: str, folders: set[str]) -> bool:
    parts = name.split("/")
    return any("/".join(parts[:end]) in folders for end in range(1, len(parts)))


def _doubts(now: Snapshot, header: Header) -> Iterable[str]:
    if header.made > now.made:
        yield f"the baseline is dated {header.made:%Y-%m-%d %H:%M} UTC, later than now: a clock was set"
    if header.host.lower() != now.host.lower():
        yield f"the baseline is of host {header.host}"
    if not header.whole:
        yield "the baseline does not hold all that there was (--most), so what is called new may be old"


def _said(header: Header) -> str:
    return f"{header.uid} ({header.made:%Y-%m-%d %H:%M} UTC, {header.who})"


def _reputation(changes: Iterable[Change]) -> dict[str, str]:
    """What is known of the files by their hashes; without a shelf nothing is."""
    if not shelf_folder().exists():
        return {}
    hashes = {one.item.facts.get("sha256", "") for one in changes if one.what != "removed"} - {""}
    with Shelf() as shelf:
        looked = {sha: shelf.look(sha) for sha in hashes}
    return {sha: found.standing for sha, found in looked.items() if found and found.standing != "known"}


def _inspect(
    changes: Iterable[Change], now: Snapshot, at: str, wish: Wish, notes: list[str]
) -> dict[str, Inspection]:
    """New and altered files that can run where they lie, looked into; `notes` gain what was not."""
    above = at.strip("/") + "/" if at.strip("/") else ""
    wanted = [
        Path(now.source) / one.item.name.removeprefix(above)
        for one in changes
        if one.what != "removed" and one.item.kind in INSPECTED and one.item.facts.get("type") == "file"
    ]
    there = [path for path in wanted if path.is_file()][:MOST_INSPECTED]
    if left := len(wanted) - len(there):
        notes.append(
            f"{left:,} new and altered files were not looked into: more than {MOST_INSPECTED}, or their names are no text"
        )
    found = inspect((Submission(str(path), path) for path in there), wish)
    return {one.sha256: one for one in found if one.sha256 and not one.error}


def of_case(
    case: Case,
    *,
    since: datetime | None = None,
    host: str = "",
    kept: Mapping[tuple[str, str], tuple[Header, Sequence[Item]]] | None = None,
    approvals: Mapping[str, Sequence[Approval]] | None = None,
) -> list[Told]:
    """What the events of a case say that came after `since`; each host against a baseline that is kept of it, else against
    what its own events said before. A host of which nothing was known before is named and not judged.
    """
    every = _of(case, host)
    before = known(every, since) if since else {}
    found = []
    now = datetime.now(UTC)
    items: Sequence[Item]
    for (tenant, name), things in sorted(known(every).items()):
        full = _shown(things.values(), name)
        if kept and (tenant, name) in kept:
            header, items = kept[tenant, name]
            said = _said(header)
        elif since and (tenant, name) in before:
            items = _there(before[tenant, name].values())
            said = f"events before {since:%Y-%m-%d %H:%M} UTC"
        else:
            found.append(Told(tenant, full, "", now, notes=("nothing is known of this host from before: it cannot be held against anything",)))  # fmt: skip
            continue
        found.append(_of_host(things, items, tenant, full, said, since, (approvals or {}).get(tenant, ())))
    return found


def _of(case: Case, host: str) -> list[Seen]:
    """What events say of the hosts that are meant, with or without their domain."""
    meant = host.lower()
    return [
        one
        for one in seen(case)
        if not meant
        or any(fnmatch.fnmatch(name, meant) for name in (one.item.host.lower(), short(one.item.host)))
    ]


def _of_host(
    things: Mapping[tuple[str, str], Seen],
    items: Sequence[Item],
    tenant: str,
    host: str,
    said: str,
    since: datetime | None,
    approvals: Sequence[Approval],
) -> Told:
    current = {
        key: replace(one, item=replace(one.item, host=host))
        for key, one in things.items()
        if since is None or _after(one, since)
    }
    here = [replace(item, host=host) for item in items]
    changes = compare(here, (one.item for one in current.values() if not one.gone), whole=False)
    had = {(item.kind, item.name.lower()): item for item in here}
    changes += [
        Change("removed", replace(one.item, facts=had[key].facts), had[key])
        for key, one in current.items()
        if one.gone and key in had
    ]
    judged = approved(ranked(changes, _reputation(changes)), tenant, host, approvals)
    return Told(tenant, host, said, datetime.now(UTC), tuple(judged), events=current)


def _after(one: Seen, since: datetime) -> bool:
    return one.item.time is not None and one.item.time >= since


def snapshots(case: Case, host: str = "", until: datetime | None = None) -> list[Snapshot]:
    """What the events of a case say that each host has, as baselines to keep."""
    every = _of(case, host)
    made = datetime.now(UTC)
    return [
        Snapshot(
            tenant,
            _shown(things.values(), name),
            made,
            str(case.path),
            True,
            _there(things.values()),
            events=True,
        )
        for (tenant, name), things in sorted(known(every, until).items())
    ]


def _there(things: Iterable[Seen]) -> tuple[Item, ...]:
    return tuple(one.item for one in things if not one.gone)


def _shown(things: Iterable[Seen], name: str) -> str:
    """The fullest name of a host."""
    return max((one.item.host for one in things), key=len, default=name)


def approved(
    changes: Iterable[Change], tenant: str, host: str, approvals: Sequence[Approval]
) -> list[Change]:
    """The changes, those that are allowed with the id of what allows them, behind the others."""
    marked = [
        replace(one, approval=next((a.uid for a in approvals if _allows(a, one, tenant, host)), ""))
        for one in changes
    ]
    return sorted(marked, key=lambda one: bool(one.approval))


def _allows(one: Approval, change: Change, tenant: str, host: str) -> bool:
    item = change.item
    host = item.host or host
    named = short(host) if one.host and "." not in one.host else host
    asked = ((one.kind, item.kind), (one.host, named), (one.name, item.name))
    if one.tenant != tenant or any(want and not fnmatch.fnmatch(have.lower(), want.lower()) for want, have in asked):  # fmt: skip
        return False
    if one.sha256 and one.sha256.lower() != item.facts.get("sha256", ""):
        return False
    if one.begins is None and one.ends is None:
        return True
    time = datetime.fromtimestamp(int(item.facts["touched"]), UTC) if "touched" in item.facts else item.time
    if time is None or change.what == "removed":
        return False
    return (one.begins is None or one.begins <= time) and (one.ends is None or time <= one.ends)


def check(one: Approval) -> None:
    """Raise UsageError where an approval says too little, too much, or too long."""
    if not one.reason.strip() or not one.owner.strip():
        raise UsageError("an approval needs a reason and an owner: --reason, --owner")
    narrow = (one.kind, one.host, one.name, one.sha256)
    if not any(text.strip("*") for text in narrow) and not (one.begins and one.ends):
        raise UsageError("an approval needs a kind, a host, a name, a hash, or a window with both ends: it may not allow all")  # fmt: skip
