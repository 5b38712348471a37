"""Findings in, incidents out: a tenant at a time, because nothing of one tenant may touch another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kazami.correlate import channel, keep, remember, resume, score, table, words
from kazami.correlate.entity import Ints
from kazami.correlate.extend import extended
from kazami.correlate.keep import Kept, Known
from kazami.correlate.seat import Seats
from kazami.correlate.story import tell
from kazami.correlate.tie import Tied, hot_in, tied
from kazami.model.incident import LINK, MEMBER, SKELETON, Change, Incident
from kazami.model.rule import RuleInfo

#: Fields of the events behind findings: the place of the finding in the table, the field's name, its value.
FIELDS: pa.Schema = pa.schema(
    [pa.field("finding_uid", pa.string()), pa.field("field", pa.string()), pa.field("value", pa.string())]
)


@dataclass(slots=True)
class Correlated:
    """What correlation made: incidents, with what was redirected among them, and the tables of `model.incident`."""

    incidents: list[Incident] = field(default_factory=list)
    members: list[pa.Table] = field(default_factory=lambda: [MEMBER.empty_table()])
    links: list[pa.Table] = field(default_factory=lambda: [LINK.empty_table()])
    skeleton: list[pa.Table] = field(default_factory=lambda: [SKELETON.empty_table()])
    changes: list[Change] = field(default_factory=list)
    hot: dict[str, list[str]] = field(
        default_factory=dict
    )  # by tenant: what everything shares, and so ties nothing


def correlate(
    findings: pa.Table,
    rules: Mapping[str, RuleInfo],
    now: datetime,
    *,
    fields: pa.Table | None = None,
    known: Known | None = None,
    seats: Mapping[str, Seats] | None = None,
) -> Correlated:
    """The incidents of `findings` (`model.finding.FINDING`, in any order).

    `rules` are the words of rules by id; of a rule that is not among them only the id is known. `fields` (`FIELDS`) are
    what events say beside the envelope. `known` is what the case has: its ids stay, and what people decided holds. `seats` say, by tenant, which
    host had which address.
    `now` is the time of changes. The same findings give the same incidents, in whatever order they come; what is found
    again changes nothing.
    """
    made, known = Correlated(), known or Known()
    fields = FIELDS.empty_table() if fields is None else fields
    tenants = set(findings.column("tenant").unique().to_pylist())
    for tenant in sorted({one.tenant for one in known.incidents.values()} - tenants):
        _silent(made, _within(known, tenant), now)
    for tenant in sorted(tenants):
        ours = findings.filter(pc.equal(findings.column("tenant"), tenant))
        _tenant(
            made,
            tenant,
            table.ordered(ours),
            rules,
            fields,
            _within(known, tenant),
            now,
            (seats or {}).get(tenant),
        )
    return made


def _within(known: Known, tenant: str) -> Known:
    members = known.members.filter(pc.equal(known.members.column("tenant"), tenant))
    ours = {uid: one for uid, one in known.incidents.items() if one.tenant == tenant}
    skeleton = known.skeleton.filter(pc.equal(known.skeleton.column("tenant"), tenant))
    return Known(ours, members, known.touched, skeleton)


def _silent(made: Correlated, known: Known, now: datetime) -> None:
    """A tenant of which nothing is found any more: what people hold stays as it was told, the rest is closed."""
    told = {uid: one for uid, one in known.incidents.items() if one.redirect or known.held(uid)}
    made.incidents += told.values()
    made.changes += _changes(known, told, {}, now)
    held = pa.array(told, pa.string())
    for tables, before in ((made.members, known.members), (made.skeleton, known.skeleton)):
        tables.append(before.filter(pc.is_in(before.column("incident_uid"), held)))


def _tenant(
    made: Correlated,
    tenant: str,
    findings: pa.Table,
    rules: Mapping[str, RuleInfo],
    fields: pa.Table,
    known: Known,
    now: datetime,
    seats: Seats | None,
) -> None:
    scene = tied(findings, rules, fields, seats)
    scene = remember.joined(scene, _labels(scene)[0], len(scene.scene.hosts))
    label, extra = _labels(scene)
    gone = keep.gone(scene.finding_uids, known)
    label, whose = remember.returned(scene, label, known, gone)
    groups = _groups(scene, label)
    back = [whose.get(int(label[scene.found.of_row[rows[0]]]), "") for rows in groups]
    kept, redirects = keep.settle(groups, scene.finding_uids, [tenant] * len(groups), known, back)
    kept.sort(key=lambda one: int(one.rows[0]) if one.rows.size else -1)
    told, owner, parts = _incidents(scene, tenant, kept, known, gone)
    told |= _redirected(known, redirects, told)
    made.hot[tenant] = scene.hot
    made.incidents += told.values()
    uids = [one.uid for one in kept]
    made.members.append(table.members(scene, tenant, uids, parts))
    made.links.append(table.links(scene, tenant, uids, owner, extra))
    lasting = [uid for uid, one in told.items() if uid in gone or any(step.gone for step in one.steps)]
    made.skeleton.append(table.outliving(table.skeleton(scene, tenant, uids, owner), known.skeleton, lasting))
    made.changes += _changes(known, told, redirects, now)


def _incidents(
    scene: Tied, tenant: str, kept: Sequence[Kept], known: Known, gone: Sequence[str]
) -> tuple[dict[str, Incident], Ints, list[tuple[int, Ints, Ints]]]:
    """The incidents of a tenant by id; for each strand its incident as a place in `kept`; and of each place rows and their steps.

    What has no findings any more (`gone`), because its rules changed, stays as it was told.
    """
    told: dict[str, Incident] = {}
    owner = np.full(len(scene.found), -1, np.int64)
    parts: list[tuple[int, Ints, Ints]] = []
    for number, one in enumerate(kept):
        if not one.rows.size:
            if one.uid in known.incidents:
                told[one.uid] = known.incidents[one.uid]
            continue
        told[one.uid], step, strands = _told(scene, tenant, one, known, one.uid in gone)
        owner[strands] = number
        parts.append((number, one.rows, step))
    for number, names in hot_in(scene, owner).items():
        told[kept[number].uid] = _hot(told[kept[number].uid], names)
    return told, owner, parts


def _labels(scene: Tied) -> tuple[Ints, tuple[Ints, Ints]]:
    """The incident of each strand as the number of one of its strands, -1 for none; and what time alone tied."""
    found, weight = scene.found, scene.weight
    taken = score.chosen(scene.label, found, weight, scene.levels)
    label = np.where(np.isin(scene.label, taken), scene.label, -1)
    label[scene.channel >= 0] = -1
    strong = taken[score.sums(scene.label, found, weight)[taken] >= score.ENOUGH]
    free = np.where(scene.channel >= 0, 0, weight)
    rows, near = extended(label, found, free, strong)
    label[rows] = label[near]
    return np.where(scene.channel >= 0, scene.channel, label), (rows, near)


def _groups(scene: Tied, label: Ints) -> list[Ints]:
    """The rows of each incident, in the order of time; incidents in the order of their first row."""
    of_row = label[scene.found.of_row]
    inside = np.flatnonzero(of_row >= 0)
    order = inside[np.argsort(of_row[inside], kind="stable")]
    if not order.size:
        return []
    cuts = np.flatnonzero(np.diff(of_row[order])) + 1
    return sorted(np.split(order, cuts), key=lambda rows: int(rows[0]))


def _told(scene: Tied, tenant: str, one: Kept, known: Known, returns: bool) -> tuple[Incident, Ints, Ints]:
    of_row = scene.found.of_row[one.rows]
    strands, inverse, counts = np.unique(of_row, return_inverse=True, return_counts=True)
    incident, step = tell(scene.scene, one.uid, tenant, strands, counts)
    before = known.incidents.get(one.uid)
    if (scene.channel[strands] >= 0).all():
        incident = channel.told(incident)
    old = resume.gone_steps(before, returns=returns)
    if before is not None and old:
        incident, step = resume.resumed(incident, before, old), step + len(old)
    if one.apart:
        incident = keep.apart(incident, one.apart, known)
    if before is not None:
        incident = replace(incident, state=before.state, owner=before.owner, verdict=before.verdict)
    return incident, step[inverse.reshape(-1)], strands


def _hot(one: Incident, names: list[str]) -> Incident:
    """The incident, saying what it shares with so many hosts that it ties nothing."""
    return replace(one, why=(*one.why, words.fill(words.WHY_HOT, names=words.several(names))))


def _redirected(
    known: Known, redirects: Mapping[str, str], told: Mapping[str, Incident]
) -> dict[str, Incident]:
    """What points to others: since this run, and since before."""
    gone = {uid: to for uid, one in known.incidents.items() if (to := redirects.get(uid, one.redirect))}
    return {
        uid: replace(known.incidents[uid], state="redirected", redirect=to)
        for uid, to in gone.items()
        if uid not in told
    }


def _changes(
    known: Known, told: Mapping[str, Incident], redirects: Mapping[str, str], now: datetime
) -> Sequence[Change]:
    log = [
        Change(now, "kazami", "merged", to, uid, "tied by what was found since")
        for uid, to in redirects.items()
    ]
    for uid, one in told.items():
        before = known.incidents.get(uid)
        if before is None:
            log.append(Change(now, "kazami", "made", uid))
        elif one.findings > before.findings and not one.redirect:
            log.append(
                Change(now, "kazami", "joined", uid, note=f"{one.findings - before.findings} findings")
            )
    gone = known.incidents.keys() - told.keys()
    log += [
        Change(now, "kazami", "closed", uid, note="what it was made of is no incident any more")
        for uid in sorted(gone)
    ]
    return log
