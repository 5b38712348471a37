"""Incidents of a case: made at the end of a scan, and told anew when somebody changes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc

from kazami.correlate import seat
from kazami.correlate.entity import FIELDS
from kazami.correlate.keep import Known
from kazami.correlate.run import Correlated, correlate
from kazami.correlate.way import begun
from kazami.errors import UsageError
from kazami.intel import shelf
from kazami.model.incident import MEMBER, VERDICTS, Change, Incident, Way
from kazami.model.suppression import Suppression
from kazami.store import correlating, incidents
from kazami.store.case import Case
from kazami.store.gather import gather
from kazami.store.views import Views
from kazami.store.ways import ways

#: Counter-measures that an incident names.
COUNTERED = 10


def tell(case: Case, *, known: Known | None = None, log: Sequence[Change] = ()) -> list[Incident]:
    """Correlate all findings of a case, and keep the incidents: those that are not redirected are given back.

    `known` is what is held against it, by default what the case has; `log` are changes that led here.
    """
    found = correlated(case, known_of(case) if known is None else known)
    countered, came = _countermeasures(), ways(case, pa.concat_tables(found.members))
    found.incidents = [
        replace(_begun(one, came), mitigations=_chosen(one, countered)) if one.steps else one
        for one in found.incidents
    ]
    _store(case, found, [*log, *found.changes])
    return [one for one in found.incidents if one.state != "redirected"]


def _begun(one: Incident, came: Mapping[str, Way]) -> Incident:
    """With its way in, where that is known and its first step is not one of long ago."""
    way = came.get(one.incident_uid)
    return begun(one, way) if way is not None and not one.steps[0].gone else one


def correlated(case: Case, known: Known, without: Sequence[Suppression] = (), tenant: str = "") -> Correlated:
    """The incidents of all findings (of `tenant`, if given) that count, held against `known`; nothing is kept.

    `without` what these would silence.
    """
    findings = correlating.findings(case, FIELDS, without, tenant)
    return correlate(
        findings,
        correlating.rules(case),
        datetime.now(UTC),
        fields=correlating.fields(case, FIELDS),
        known=known,
        seats=_seats(case) if seat.wanted(findings) else None,
    )


def _seats(case: Case) -> dict[str, seat.Seats]:
    """Which host had which address, by what the events of a case say."""
    views = Views(case.database, case.root)
    return seat.seats(batch for question in seat.QUESTIONS for batch in gather(case, question, views))


def prepare() -> None:
    """Load what `tell` needs, while others work."""
    _countermeasures()


@cache
def _countermeasures() -> dict[str, list[str]]:
    """ATT&CK's mitigations by technique, of the table that comes along."""
    named: dict[str, list[str]] = {}
    for one in shelf.shipped().mitigations:
        for technique in one.techniques:
            named.setdefault(technique, []).append(one.id)
    return named


def _chosen(one: Incident, countered: dict[str, list[str]]) -> tuple[str, ...]:
    """The mitigations that meet most of the techniques of an incident, at most `COUNTERED`."""
    counts = Counter(measure for technique in one.techniques for measure in countered.get(technique, ()))
    return tuple(sorted(counts, key=lambda measure: (-counts[measure], measure))[:COUNTERED])


def known_of(case: Case, tenant: str = "") -> Known:
    """The incidents that a case has; with `tenant` those of one."""
    found = incidents.incidents(case, tenant=tenant or None, redirected=True)
    before = {one.incident_uid: one for one in found}
    return Known(
        before,
        incidents.members(case),
        correlating.touched(incidents.changes(case)),
        incidents.skeleton(case),
    )


def _store(case: Case, found: Correlated, log: Sequence[Change]) -> None:
    incidents.replace(
        case,
        found.incidents,
        members=pa.concat_tables(found.members),
        links=pa.concat_tables(found.links),
        skeleton=pa.concat_tables(found.skeleton),
        changes=log,
    )


def merge(case: Case, into: str, others: Sequence[str], who: str, note: str = "") -> Incident:
    """Make one incident of several, which a person says belong together. Raises UsageError where that cannot be.

    Incidents of different tenants never become one; nor does what is closed, or what two people hold or judged otherwise,
    until somebody opens, assigns or judges it.
    """
    target = one_of(case, into)
    known = known_of(case)
    members, log = known.members, []
    gone = dict(known.incidents)
    for name in others:
        other = one_of(case, name)
        if other.incident_uid == target.incident_uid:
            raise UsageError(f"{name}: is the same incident as {into}")
        if other.tenant != target.tenant:
            raise UsageError(f"{name}: belongs to another tenant; incidents never cross tenants")
        _mergeable(target, other, name)
        members = _moved(
            members, pc.equal(members.column("incident_uid"), other.incident_uid), target.incident_uid
        )
        gone[other.incident_uid] = replace(other, state="redirected", redirect=target.incident_uid, links=())
        log.append(Change(datetime.now(UTC), who, "merged", target.incident_uid, other.incident_uid, note))
    touched = known.touched | {target.incident_uid}
    tell(case, known=replace(known, incidents=gone, members=members, touched=touched), log=log)
    return one_of(case, target.incident_uid)


def _mergeable(target: Incident, other: Incident, name: str) -> None:
    """Raise UsageError, with what to do, where people decided otherwise on the two."""
    closed = next((one for one in (target, other) if one.state == "closed"), None)
    if closed is not None:
        raise UsageError(
            f"{closed.incident_uid[:12]}: is closed; open it first: kazami incidents close {closed.incident_uid[:12]} --open"
        )
    for what, ours, theirs in (
        ("belongs to", target.owner, other.owner),
        ("was judged", target.verdict, other.verdict),
    ):
        if ours and theirs and ours != theirs:
            raise UsageError(f"{name}: {what} {theirs!r}, the other {ours!r}; let one be said of both first")


def split(case: Case, name: str, steps: Sequence[int], who: str, note: str = "") -> Incident:
    """Make an incident of its own of some steps of another. Raises UsageError where it has no such steps, or no others."""
    source = one_of(case, name)
    known = known_of(case)
    ours = pc.equal(known.members.column("incident_uid"), source.incident_uid)
    numbers = set(known.members.filter(ours).column("step").to_pylist())
    unknown = sorted(set(steps) - numbers)
    if unknown or not steps:
        raise UsageError(f"{name}: has no step {unknown[0]}" if unknown else f"{name}: no step was named")
    if numbers <= set(steps):
        raise UsageError(f"{name}: these are all its steps; an incident cannot be split from itself")
    chosen = pc.and_(ours, pc.is_in(known.members.column("step"), pa.array(sorted(set(steps)))))
    uid = _split_uid(known, source, steps)
    log = [Change(datetime.now(UTC), who, "split", source.incident_uid, uid, note)]
    new = replace(source, incident_uid=uid, owner="", verdict="", links=())
    known = replace(
        known,
        incidents={**known.incidents, uid: new},
        members=_moved(known.members, chosen, uid),
        touched=known.touched | {uid, source.incident_uid},
    )
    tell(case, known=known, log=log)
    return one_of(case, uid)


def judge(
    case: Case,
    name: str,
    who: str,
    *,
    state: str | None = None,
    verdict: str | None = None,
    owner: str | None = None,
    note: str = "",
) -> Incident:
    """Close an incident, open it again, say what it is, or whose it is. What is not given stays."""
    if verdict is not None and verdict not in VERDICTS:
        raise UsageError(f"{verdict!r} is no verdict; verdicts are {', '.join(filter(None, VERDICTS))}")
    before = one_of(case, name)
    said = {
        "closed" if state == "closed" else "reopened": (state, before.state),
        "judged": (verdict, before.verdict),
        "assigned": (owner, before.owner),
    }
    now = datetime.now(UTC)
    log = [
        Change(now, who, action, before.incident_uid, note=note or str(value))
        for action, (value, old) in said.items()
        if value is not None and value != old
    ]
    after = replace(
        before,
        links=(),
        state=before.state if state is None else state,
        verdict=before.verdict if verdict is None else verdict,
        owner=before.owner if owner is None else owner,
    )
    known = known_of(case)
    held = replace(
        known,
        incidents={**known.incidents, before.incident_uid: after},
        touched=known.touched | {before.incident_uid},
    )
    tell(case, known=held, log=log)
    return one_of(case, before.incident_uid)


def one_of(case: Case, name: str) -> Incident:
    """The incident that an id or its beginning names; UsageError where there is none, or several."""
    found = incidents.incident(case, name)
    if found is None:
        raise UsageError(f"{name}: no incident of this case, or the beginning of several ids")
    return found


def _moved(members: pa.Table, chosen: pa.ChunkedArray, uid: str) -> pa.Table:
    """`members` with those that are chosen in the incident `uid`."""
    column = pc.if_else(chosen, uid, members.column("incident_uid"))
    place = members.schema.get_field_index("incident_uid")
    return members.set_column(place, MEMBER.field("incident_uid"), column).cast(MEMBER)


def _split_uid(known: Known, source: Incident, steps: Sequence[int]) -> str:
    text = "\0".join((source.incident_uid, *map(str, sorted(steps)), str(len(known.incidents))))
    return sha256(text.encode()).hexdigest()[:32]
