"""Incidents as tables: what ties them, and the entities they were seen on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kazami.correlate import words
from kazami.correlate.entity import Ints
from kazami.correlate.link import Ties
from kazami.correlate.rarity import entity_weights
from kazami.correlate.strand import TIMELESS
from kazami.correlate.tie import Tied
from kazami.model.incident import LINK, MEMBER, SKELETON

#: Links that an incident prints, and entities that are kept of it: those that weigh most.
MOST = 200

#: What is looked at of findings.
USED = ["finding_uid", "rule_id", "time", "host", "user", "logon_id", "process_uid", "parent_uid", "matched"]


def ordered(findings: pa.Table) -> pa.Table:
    """Findings in the order of time, then of their uids, each once; those without a time last."""
    findings = findings.select(USED)
    order = pc.sort_indices(findings, sort_keys=[("time", "ascending"), ("finding_uid", "ascending")])
    taken = findings.take(order).combine_chunks()
    uids = taken.column("finding_uid").to_numpy(zero_copy_only=False)
    first = np.concatenate(([True], uids[1:] != uids[:-1])) if len(uids) else np.empty(0, bool)
    return taken if first.all() else taken.filter(pa.array(first))


def members(scene: Tied, tenant: str, uids: list[str], parts: list[tuple[int, Ints, Ints]]) -> pa.Table:
    """Which findings belong to which incident; `parts` are places in `uids`, rows, and the step of each row."""
    if not parts:
        return MEMBER.empty_table()
    rows, steps = (np.concatenate([part[at] for part in parts]) for at in (1, 2))
    numbers = np.repeat([part[0] for part in parts], [len(part[1]) for part in parts])
    columns = {
        "incident_uid": pa.array(uids, pa.string()).take(pa.array(numbers)),
        "finding_uid": scene.finding_uids.take(pa.array(rows)),
        "tenant": pa.repeat(tenant, len(rows)),
        "step": pa.array(steps),
    }
    return pa.table(columns, schema=MEMBER)


def links(scene: Tied, tenant: str, uids: list[str], owner: Ints, extra: tuple[Ints, Ints]) -> pa.Table:
    """What ties the findings of incidents: a row for each entity that ties, the strongest `MOST` of each incident.

    `owner` is the incident of each strand, as a place in `uids`; `extra` are strands that time alone tied, and to which.
    """
    rows = [row for one in scene.ties for row in _tied(owner, one)]
    inside = owner[extra[0]] == owner[extra[1]]
    for late, near in zip(extra[0][inside].tolist(), extra[1][inside].tolist(), strict=True):
        rows.append(
            (int(owner[late]), 0.0, "time", scene.scene.rules[scene.found.rule[late]].title, late, near, 2)
        )
    rows.sort(key=lambda row: (row[0], -row[1], row[2], row[3], row[4]))
    return pa.Table.from_pylist([_row(scene, tenant, uids, row) for row in _first(rows)], LINK)


_Row = tuple[int, float, str, str, int, int, int]


def _tied(owner: Ints, ties: Ties) -> list[_Row]:
    """Ties whose ends are in the same incident, one for each entity: first and last strand, and how many."""
    inside = np.flatnonzero((owner[ties.source] >= 0) & (owner[ties.source] == owner[ties.target]))
    source, target, code = ties.source[inside], ties.target[inside], ties.code[inside]
    width = max(1, len(ties.values))
    both, first, place, counts = np.unique(
        owner[source] * width + code, return_index=True, return_inverse=True, return_counts=True
    )
    last = np.zeros(len(both), np.int64)
    np.maximum.at(last, place.reshape(-1), target)
    weight = ties.weight[inside[first]]
    order = np.lexsort((both % width, -weight, both // width))
    kept = order[_rank(both[order] // width) < MOST]
    columns = (both // width, weight, both % width, source[first], last, counts + 1)
    rows = zip(*(column[kept].tolist() for column in columns), strict=True)
    return [(head, nats, ties.kind, ties.values[one], a, b, n) for head, nats, one, a, b, n in rows]


def _rank(groups: Ints) -> Ints:
    """The place of each row in its group, where groups lie together."""
    starts = (
        np.flatnonzero(np.concatenate(([True], groups[1:] != groups[:-1])))
        if len(groups)
        else np.empty(0, np.int64)
    )
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.append(starts, len(groups))))


def _first(rows: list[_Row]) -> list[_Row]:
    rank = _rank(np.array([row[0] for row in rows], np.int64))
    return [row for row, place in zip(rows, rank.tolist(), strict=True) if place < MOST]


def _row(scene: Tied, tenant: str, uids: list[str], row: _Row) -> dict[str, object]:
    number, weight, kind, entity, source, target, count = row
    ends = sorted(int(scene.scene.rows[scene.scene.starts[one]]) for one in (source, target))
    said = words.fill(words.LINKS[kind], entity=entity[:300])
    return {
        "incident_uid": uids[number],
        "tenant": tenant,
        "kind": kind,
        "entity": entity[:300],
        "weight": round(weight, 3),
        "source": scene.finding_uids[ends[0]].as_py(),
        "target": scene.finding_uids[ends[1]].as_py(),
        "count": count,
        "words": said.en,
        "words_ja": said.ja,
    }


def skeleton(scene: Tied, tenant: str, uids: list[str], owner: Ints) -> pa.Table:
    """The entities of incidents with first and last time, the `MOST` rarest of each incident and kind."""
    found = scene.found
    parts = [SKELETON.empty_table()]
    for pairs in scene.pairs:
        weight = entity_weights(pairs.codes, len(pairs.values), len(found))
        inside = owner[pairs.rows] >= 0
        rows, codes = pairs.rows[inside], pairs.codes[inside]
        width = max(1, len(pairs.values))
        both, number = np.unique(owner[rows] * width + codes, return_inverse=True)
        first, last = np.full(len(both), np.iinfo(np.int64).max), np.full(len(both), TIMELESS)
        timed = found.first[rows] != TIMELESS
        np.minimum.at(first, number[timed], found.first[rows[timed]])
        np.maximum.at(last, number[timed], found.last[rows[timed]])
        order = np.lexsort((both % width, -weight[both % width], both // width))
        kept = order[_rank(both[order] // width) < MOST]
        known = last[kept] != TIMELESS
        parts.append(
            pa.table(
                {
                    "tenant": pa.repeat(tenant, len(kept)),
                    "kind": pa.repeat(pairs.kind, len(kept)),
                    "entity": pa.array(
                        [pairs.values[one] for one in (both[kept] % width).tolist()], pa.string()
                    ),
                    "incident_uid": pa.array(
                        [uids[one] for one in (both[kept] // width).tolist()], pa.string()
                    ),
                    "first": pa.array(first[kept], pa.int64(), mask=~known).cast(pa.timestamp("us", "UTC")),
                    "last": pa.array(last[kept], pa.int64(), mask=~known).cast(pa.timestamp("us", "UTC")),
                    "weight": pa.array(weight[both[kept] % width]),
                },
                schema=SKELETON,
            )
        )
    return pa.concat_tables(parts)


def outliving(made: pa.Table, before: pa.Table, uids: list[str]) -> pa.Table:
    """A skeleton with the rows of `before` of the incidents `uids`, which have outlived findings; each entity once."""
    old = before.filter(pc.is_in(before.column("incident_uid"), pa.array(uids, pa.string())))
    if not old.num_rows:
        return made
    keys = ["tenant", "kind", "entity", "incident_uid"]
    both = pa.concat_tables([made, old.cast(SKELETON)]).group_by(keys)
    united = both.aggregate([("first", "min"), ("last", "max"), ("weight", "max")])
    return united.rename_columns([*keys, "first", "last", "weight"]).select(SKELETON.names).cast(SKELETON)
