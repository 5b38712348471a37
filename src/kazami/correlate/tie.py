"""A tenant's findings as strands, with all that ties them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kazami.correlate import channel, entity, link, score
from kazami.correlate.component import components
from kazami.correlate.entity import Ints, Pairs
from kazami.correlate.link import Ties
from kazami.correlate.rarity import MOST, rule_weights
from kazami.correlate.seat import Seats, apart, ends, seated
from kazami.correlate.story import Scene
from kazami.correlate.strand import TIMELESS, Floats, Strands, lifted, strands
from kazami.model.finding import level_rank
from kazami.model.rule import RuleInfo

#: Strands that an incident may have; beyond that its weakest ties are cut, kind by kind.
LARGEST = 20_000


@dataclass(frozen=True, slots=True)
class Tied:
    """Strands of one tenant: what they hang together with (`label`), what talks without end (`channel`), and why.

    `weight` is what the rule of each strand says, `says` what it counts as where it ties.
    """

    found: Strands
    weight: Floats
    says: Floats
    levels: Ints
    label: Ints
    channel: Ints
    ties: list[Ties]
    pairs: list[Pairs]
    hot: list[str]
    finding_uids: pa.Array
    scene: Scene


def tied(
    findings: pa.Table, rules: Mapping[str, RuleInfo], fields: pa.Table, seats: Seats | None = None
) -> Tied:
    """All ties among the findings of one tenant, which are in the order of time.

    `seats` say which host had which address, so that what the network saw of a host and what it logged are of one host.
    """
    seats = seats or Seats()
    findings = seated(findings, seats)
    hosts, users = (
        entity.coded(findings.column("host"), entity.host),
        entity.coded(findings.column("user"), entity.account),
    )
    rule, rule_ids = entity.coded(findings.column("rule_id"))
    infos = [rules.get(one) or RuleInfo(one, "", one) for one in rule_ids]
    time = findings.column("time").cast(pa.int64()).fill_null(TIMELESS).to_numpy()
    found = strands(rule, hosts[0], users[0], time)
    weights = rule_weights(rule, time, [info.level for info in infos])
    outward = np.array(
        [code for code, info in enumerate(infos) if channel.TACTICS & set(info.tactics)], np.int64
    )
    endless = channel.channels(found, outward, len(hosts[1]))
    weight = np.where(endless >= 0, -1.0, weights[found.rule])
    uids = _whole(findings.column("finding_uid"))
    placed = _placed(fields, uids)
    given = (
        apart(one, time, seats) if one.kind == "address" else one
        for one in entity.pairs(findings, placed, hosts)
    )
    pairs = [lifted(one, found.of_row) for one in given]
    shared = [
        *pairs,
        link.places(found, hosts[1], users[1]),
        link.swept(found, [info.title for info in infos]),
    ]
    shared.append(link.standing(found, hosts[1]))
    levels = np.array([level_rank(info.level) for info in infos], np.int64)
    # What would be an incident alone may also tie: else it stands beside the one that it belongs to.
    grave = (levels[found.rule] >= score.GRAVE) & (weight >= score.ALONE)
    says = np.where(grave, MOST, weight)
    ties = [link.ties(one.kind, one, found, says, len(hosts[1])) for one in shared]
    ties.append(_contacts(found, ends(findings, placed, seats), says, hosts[1]))
    hot = sorted({name for one in ties for name in one.hot if one.kind not in ("process", "session")})
    scene = _scene(found, weights[found.rule], infos, hosts[1], users[1], uids, pairs, ties)
    return Tied(found, weight, says, levels, labels(found.host, ties), endless, ties, pairs, hot, uids, scene)


def _contacts(found: Strands, about: tuple[Ints, list[str]], says: Floats, hosts: list[str]) -> Ties:
    """Ties of what is about connections with what the hosts at their ends logged."""
    place = {name: code for code, name in enumerate(hosts)}
    strands_of, codes = found.of_row[about[0]], np.array([place.get(name, -1) for name in about[1]], np.int64)
    both = entity.distinct(strands_of * (len(hosts) + 1) + codes + 1)
    return link.contacts(found, both // (len(hosts) + 1), both % (len(hosts) + 1) - 1, says, hosts)


def hot_in(scene: Tied, owner: Ints) -> dict[int, list[str]]:
    """What the strands of each incident share with too many hosts: names by the number that `owner` gives each strand."""
    names = set(scene.hot)
    found: dict[int, list[str]] = {}
    for pairs in scene.pairs if names else ():
        hot = np.array([value in names for value in pairs.values], bool)
        if not hot.any():
            continue
        inside = hot[pairs.codes] & (owner[pairs.rows] >= 0)
        width = len(pairs.values)
        for both in entity.distinct(owner[pairs.rows[inside]] * width + pairs.codes[inside]).tolist():
            found.setdefault(both // width, []).append(pairs.values[both % width])
    return found


def labels(host: Ints, ties: list[Ties]) -> Ints:
    """What hangs together; where that is more than `LARGEST`, without its weakest kinds of ties. `host` is that of each strand.

    What lies on one or two hosts stays whole by its processes and sessions however large it is: in pieces it would be as many incidents.
    """
    size = len(host)
    label = _joined(size, ties)
    for kind in reversed(link.LIMITS):
        sizes = np.bincount(label, minlength=size)
        large = sizes[label] > LARGEST
        if kind in ("process", "session"):
            large &= _hosts(label, host)[label] > 2
        if not large.any():
            break
        ties = [one for one in ties if one.kind != kind]
        label = np.where(large, _joined(size, ties), label)
    return label


def _hosts(label: Ints, host: Ints) -> Ints:
    """On how many hosts each component lies, by label."""
    width = int(host.max(initial=0)) + 2
    pairs = entity.distinct(label * width + host + 1)
    return np.bincount(pairs // width, minlength=len(label))


def _joined(size: int, ties: list[Ties]) -> Ints:
    empty = np.empty(0, np.int64)
    source, target = ([getattr(one, name) for one in ties] for name in ("source", "target"))
    return components(size, np.concatenate([empty, *source]), np.concatenate([empty, *target]))


def _placed(fields: pa.Table, uids: pa.Array) -> pa.Table:
    """`fields` with the row of each finding in place of its uid; those of other tenants left out."""
    row = pc.index_in(_whole(fields.column("finding_uid")), value_set=uids)
    placed = pa.table({"row": row, "field": fields.column("field"), "value": fields.column("value")})
    return placed.filter(pc.is_valid(row))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _scene(
    found: Strands,
    weight: Floats,
    infos: list[RuleInfo],
    hosts: list[str],
    users: list[str],
    uids: pa.Array,
    pairs: list[Pairs],
    ties: list[Ties],
) -> Scene:
    rows = np.argsort(found.of_row, kind="stable")
    starts = np.concatenate(([0], np.cumsum(found.count)))
    spots = next(one for one in pairs if one.kind == "address")
    names = [spots.values[code] for code in spots.codes.tolist()]
    carried = [one for one in ties if one.kind in ("session", "account", "address", "process", "contact")]
    source, target = (
        np.concatenate([getattr(one, name) for one in carried]) for name in ("source", "target")
    )
    apart = (found.host[source] != found.host[target]) & (found.host[source] >= 0) & (found.host[target] >= 0)
    order = np.lexsort((target[apart], source[apart]))
    moves = source[apart][order], target[apart][order]
    given = uids.to_numpy(zero_copy_only=False)  # one by one out of Arrow they would cost many times more
    return Scene(found, weight, infos, hosts, users, given, rows, starts, (spots.rows, names), moves)
