"""Ids that stay, merges that are refused, and what people decided.

What correlation finds is held against the incidents that the case has. An incident keeps its id while findings join;
where several become one, the oldest id stays and the others point to it. What a person closed, owns, judged, split or
merged is *held*: its findings stay in it, and two that are held never become one by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kazami.correlate import words
from kazami.correlate.entity import Ints
from kazami.model.incident import MEMBER, SKELETON, Incident, Text

Bools = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Known:
    """The incidents that there are: by id, their findings (`MEMBER`), and the ids of those that people touched."""

    incidents: Mapping[str, Incident] = field(default_factory=dict)
    members: pa.Table = field(default_factory=MEMBER.empty_table)
    touched: frozenset[str] = frozenset()
    skeleton: pa.Table = field(default_factory=SKELETON.empty_table)

    def held(self, uid: str) -> bool:
        """Whether people have a say in it."""
        return uid in self.touched or self.incidents[uid].state == "closed"


@dataclass(slots=True)
class Kept:
    """An incident with its id and its findings (rows), and other ids with which it was kept from merging."""

    uid: str
    rows: Ints
    apart: list[str] = field(default_factory=list)


def settle(
    groups: list[Ints],
    finding_uids: pa.Array,
    tenants: list[str],
    known: Known,
    back: Sequence[str] = (),
) -> tuple[list[Kept], dict[str, str]]:
    """The incidents that `groups` of rows make, beside those that are held, and which ids point to which others.

    Rows are in the order of time, so the first of a group is its root. `tenants` names the tenant of each group,
    `back` the incident without findings that each goes on with, "" for none.
    """
    prior, uids = prior_of(finding_uids, known)
    held = np.array([known.held(uid) for uid in uids] + [False])
    kept = {uid: Kept(uid, np.flatnonzero(prior == code)) for code, uid in enumerate(uids) if held[code]}
    redirects: dict[str, str] = {}
    owner = _claims(groups, prior, held) if uids else {}
    for number, (rows, tenant) in enumerate(zip(groups, tenants, strict=True)):
        before = [code for code in np.unique(prior[rows]).tolist() if code >= 0] if uids else []
        free = rows[~held[prior[rows]]] if before else rows
        if not free.size:
            continue
        led = {back[number]} if number < len(back) and back[number] else set()
        theirs = sorted({uids[code] for code in before if held[code]} | led, key=lambda uid: _age(known, uid))
        ours = [uids[code] for code in before if not held[code] and owner[code] == number]
        ours.sort(key=lambda uid: _age(known, uid))
        into = next((uid for uid in theirs if known.incidents[uid].state == "open"), "")
        uid = into or (ours[0] if ours else _new(tenant, finding_uids[int(free[0])].as_py(), kept))
        one = kept.setdefault(uid, Kept(uid, np.empty(0, np.int64)))
        one.rows = np.union1d(one.rows, free) if one.rows.size else free
        one.apart = [other for other in theirs if other != uid]
        redirects |= {other: uid for other in ours if other != uid}
    return list(kept.values()), redirects


def prior_of(finding_uids: pa.Array, known: Known) -> tuple[Ints, list[str]]:
    """For each row the incident that had it, as a place in the list of ids, -1 where none."""
    members = known.members.combine_chunks()
    uids = sorted(set(members.column("incident_uid").unique().to_pylist()) & known.incidents.keys())
    if not uids:
        return np.full(len(finding_uids), -1, np.int64), []
    place = pc.index_in(finding_uids, value_set=_whole(members.column("finding_uid")))
    codes = pc.index_in(_whole(members.column("incident_uid")), value_set=pa.array(uids, pa.string()))
    return codes.take(place).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64), uids


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _claims(groups: list[Ints], prior: Ints, held: Bools) -> dict[int, int]:
    """Which group goes on with an id: the one that has most of its findings, of equals the earliest."""
    most: dict[int, tuple[int, int]] = {}
    for number, rows in enumerate(groups):
        codes, counts = np.unique(prior[rows], return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            if code >= 0 and not held[code]:
                most[code] = max(most.get(code, (0, 0)), (count, -number))
    return {code: -best[1] for code, best in most.items()}


def _age(known: Known, uid: str) -> tuple[float, str]:
    first = known.incidents[uid].first
    return (first.timestamp() if first else float("inf"), uid)


def _new(tenant: str, root: str, taken: Mapping[str, Kept]) -> str:
    """32 hex digits of the tenant and the first finding; where that id went to others by a split, the next."""
    number = 0
    while True:
        text = "\0".join((tenant, root, *([str(number)] if number else [])))
        uid = sha256(text.encode()).hexdigest()[:32]
        if uid not in taken:
            return uid
        number += 1


def gone(finding_uids: pa.Array, known: Known) -> list[str]:
    """The incidents that people hold and that have no findings any more, the oldest first."""
    prior, uids = prior_of(finding_uids, known)
    there = {uids[code] for code in np.unique(prior).tolist() if code >= 0}
    held = (
        uid
        for uid, one in known.incidents.items()
        if uid not in there and not one.redirect and known.held(uid)
    )
    return sorted(held, key=lambda uid: _age(known, uid))


def apart(one: Incident, others: list[str], known: Known) -> Incident:
    """The incident, saying from which others it is kept apart although something ties them, and why."""
    return replace(one, why=one.why + tuple(_refused(known.incidents[uid]) for uid in others))


def _refused(other: Incident) -> Text:
    reasons = {
        "closed": other.state == "closed",
        "verdict": other.verdict,
        "owner": other.owner,
        "person": True,
    }
    reason = next(name for name, holds in reasons.items() if holds)
    said = {"uid": other.incident_uid[:12], "who": other.owner, "verdict": other.verdict}
    return words.fill(words.WHY_APART[reason], **said)
