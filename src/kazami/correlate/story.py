"""An incident in words: its steps in order, how it began, where it went, what was taken, what to ask next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from kazami.correlate import score, words
from kazami.correlate.entity import Ints
from kazami.correlate.strand import TIMELESS, Floats, Strands
from kazami.model.attack import TACTICS
from kazami.model.finding import level_rank
from kazami.model.incident import Incident, Move, Step, Text
from kazami.model.rule import RuleInfo

#: Steps that an incident tells, and findings that a step names; beyond that they are counted.
STEPS, UIDS, NAMES = 400, 100, 200


@dataclass(frozen=True, slots=True)
class Scene:
    """All that stories are told from: strands, what their rules say, and the names behind the codes.

    `rows` are the findings of all strands one after another, those of strand i from ``starts[i]`` to ``starts[i + 1]``.
    `addresses` are the addresses that a strand has, as pairs of strand and name, in the order of strands.
    """

    found: Strands
    weight: Floats
    rules: Sequence[RuleInfo]
    hosts: list[str]
    users: list[str]
    finding_uids: np.ndarray[Any, np.dtype[np.object_]]
    rows: Ints
    starts: Ints
    addresses: tuple[Ints, list[str]]
    moves: tuple[Ints, Ints]  # pairs of strands on two hosts, tied by what an intruder carries along

    def uids(self, strands: Ints, most: int) -> list[str]:
        """The first findings of strands."""
        rows: list[int] = []
        for one in strands.tolist():
            rows += self.rows[self.starts[one] : self.starts[one + 1]][: most - len(rows)].tolist()
            if len(rows) >= most:
                break
        found: list[str] = self.finding_uids[sorted(rows)].tolist()
        return found


def tell(scene: Scene, uid: str, tenant: str, strands: Ints, counts: Ints) -> tuple[Incident, Ints]:
    """The incident of some strands, and the number of the step that each of them is in.

    `counts` is how many findings of each strand belong to it.
    """
    found = scene.found
    of_step, groups = _grouped(scene, strands)
    tactics = score.order([scene.rules[found.rule[group[0]]].tactics for group in groups])
    totals = np.bincount(of_step, weights=counts, minlength=len(groups)).astype(int)
    steps = [
        _step(scene, number + 1, tactics.of_step[number], group, int(totals[number]))
        for number, group in enumerate(groups[:STEPS])
    ]
    nats = _nats(scene, strands) + score.BONUS * max(0, len(tactics.run) - 1)
    strongest = _strongest(scene, strands)
    times = found.first[strands][found.first[strands] != TIMELESS], found.last[strands]
    hosts = _names(scene.hosts, found.host[strands])
    level = scene.rules[strongest].level if strongest >= 0 else "informational"
    made = Incident(
        incident_uid=uid,
        tenant=tenant,
        title=words.capital(_title(tactics, steps, hosts)),
        severity=score.severity(nats, level),
        score=score.shown(nats),
        first=when(int(times[0].min())) if times[0].size else None,
        last=when(int(times[1].max())) if times[0].size else None,
        findings=int(counts.sum()),
        rules=len(np.unique(found.rule[strands])),
        hosts=hosts,
        accounts=_names(scene.users, found.user[strands]),
        addresses=_addresses(scene, strands),
        tactics=tuple(dict.fromkeys(step for step in tactics.of_step if step)),
        techniques=tuple(dict.fromkeys(one for step in steps for one in step.techniques)),
        steps=tuple(steps),
        moves=_moves(scene, strands, of_step),
        why=_why(scene, strands, tactics, nats, strongest),
    )
    timeless = int(counts[found.first[strands] == TIMELESS].sum())
    return asked(made, timeless), of_step + 1


def when(microseconds: int) -> datetime | None:
    """Microseconds since 1970 as a time; None where unknown or beyond the years 1 to 9999."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def _grouped(scene: Scene, strands: Ints) -> tuple[Ints, list[Ints]]:
    """Strands of one rule on one host by one account are one step; steps are in the order of their beginning."""
    found = scene.found
    keys = np.stack([found.rule[strands], found.host[strands], found.user[strands]])
    _, first, inverse = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    begin = found.first[strands[first]].copy()
    begin[begin == TIMELESS] = np.iinfo(np.int64).max
    rank = np.lexsort((first, begin))
    place = np.empty_like(rank)
    place[rank] = np.arange(len(rank))
    of_step = place[inverse]
    order = np.argsort(of_step, kind="stable")
    cuts = np.flatnonzero(np.diff(of_step[order])) + 1
    return of_step, np.split(strands[order], cuts)


def _step(scene: Scene, number: int, tactic: str, group: Ints, count: int) -> Step:
    found, head = scene.found, int(group[0])
    rule = scene.rules[found.rule[head]]
    first, last = found.first[group], found.last[group]
    addresses = _addresses(scene, group[:50])
    title = rule.title[:300]
    return Step(
        number=number,
        tactic=tactic,
        title=title,
        rule_id=rule.id,
        level=rule.level,
        first=when(int(first[0])) if first[0] != TIMELESS else None,
        last=when(int(last.max())) if first[0] != TIMELESS else None,
        host=scene.hosts[found.host[head]] if found.host[head] >= 0 else "",
        account=scene.users[found.user[head]] if found.user[head] >= 0 else "",
        address=addresses[0] if addresses else "",
        techniques=tuple(rule.techniques),
        findings=count,
        finding_uids=tuple(scene.uids(group, UIDS)),
        words=words.capital(
            words.fill(words.STEP, tactic=words.TACTICS.get(tactic, words.TACTICS[""]), title=title)
        ),
    )


def _nats(scene: Scene, strands: Ints) -> float:
    rules, place = np.unique(scene.found.rule[strands], return_inverse=True)
    most = np.zeros(len(rules))
    np.maximum.at(most, place, scene.weight[strands])
    return float(most.sum())


def _strongest(scene: Scene, strands: Ints) -> int:
    """The rule of the highest level among those that are rare, -1 where none is."""
    rare = np.unique(scene.found.rule[strands[scene.weight[strands] >= score.ALONE]]).tolist()
    return max(rare, key=lambda rule: (level_rank(scene.rules[rule].level), -rule), default=-1)


def _names(values: list[str], codes: Ints) -> tuple[str, ...]:
    """The names behind codes, in the order in which they come, each once."""
    distinct, first = np.unique(codes, return_index=True)
    order = distinct[np.argsort(first)]
    return tuple(values[code] for code in order[order >= 0][:NAMES].tolist())


def _addresses(scene: Scene, strands: Ints) -> tuple[str, ...]:
    owner, names = scene.addresses
    begin, end = np.searchsorted(owner, strands[:2000]), np.searchsorted(owner, strands[:2000], side="right")
    spots = zip(begin.tolist(), end.tolist(), strict=True)
    return tuple(dict.fromkeys(name for first, stop in spots for name in names[first:stop]))[:NAMES]


def _moves(scene: Scene, strands: Ints, of_step: Ints) -> tuple[Move, ...]:
    """Where a session, an account or an address was seen on one host and next on another."""
    found = scene.found
    source, target = scene.moves
    begin, end = np.searchsorted(source, strands), np.searchsorted(source, strands, side="right")
    spots = np.repeat(begin - np.concatenate(([0], np.cumsum(end - begin)[:-1])), end - begin)
    spots = spots + np.arange(len(spots))
    place = np.minimum(np.searchsorted(strands, target[spots]), len(strands) - 1)
    within = np.flatnonzero(strands[place] == target[spots])
    pairs = found.host[source[spots[within]]] * len(scene.hosts) + found.host[target[spots[within]]]
    firsts = np.sort(np.unique(pairs, return_index=True)[1])[:NAMES]  # of each pair of hosts its first move
    return tuple(_move(scene, spots[one], int(of_step[place[one]])) for one in within[firsts].tolist())


def _move(scene: Scene, spot: int, step: int) -> Move:
    found, before, after = scene.found, scene.moves[0][spot], scene.moves[1][spot]
    names = (scene.hosts[found.host[before]], scene.hosts[found.host[after]])
    account = scene.users[found.user[after]] if found.user[after] >= 0 else ""
    time = when(int(found.first[after])) if found.first[after] != TIMELESS else None
    said = words.fill(words.MOVE, source=names[0], target=names[1])
    return Move(*names, time, account, step + 1, said)


def _title(order: score.Order, steps: list[Step], hosts: tuple[str, ...]) -> Text:
    named = order.run or [step.tactic for step in steps if step.tactic]
    if len(steps) == 1 or not named:
        strongest = max(steps, key=lambda step: (level_rank(step.level), -step.number))
        what = Text(strongest.title, f"「{strongest.title}」")
    else:
        grave = sorted(set(named), key=TACTICS.index)
        what = words.tactics(grave if len(grave) <= 3 else [grave[0], *grave[-2:]])
    where = _where(hosts, next((step.account for step in steps if step.account), ""))
    return words.fill(words.TITLE, what=what, where=where)


def _why(scene: Scene, strands: Ints, order: score.Order, nats: float, strongest: int) -> tuple[Text, ...]:
    rare = len(np.unique(scene.found.rule[strands[scene.weight[strands] >= score.ALONE]]))
    said = [words.fill(words.WHY_RULES, n=rare, nats=round(nats, 1))] if rare else []
    if len(order.run) > 1:
        said.append(words.fill(words.WHY_ORDER, n=len(order.run), tactics=words.tactics(order.run, 16)))
    if strongest >= 0 and level_rank(scene.rules[strongest].level) >= score.GRAVE:
        rule = scene.rules[strongest]
        said.append(words.fill(words.WHY_LEVEL, level=rule.level, title=rule.title[:300]))
    return tuple(said)


def asked(one: Incident, timeless: int) -> Incident:
    """The incident with how it began, where it went, what was taken, and what to ask and hunt next."""
    hosts = words.several(one.hosts)
    time = one.first.strftime("%Y-%m-%d %H:%M UTC") if one.first else "?"
    questions: list[str] = [
        name
        for name in ("credential-access", "persistence", "lateral-movement", "exfiltration")
        if name in one.tactics
    ]
    if one.tactics and "initial-access" not in one.tactics:
        questions.insert(0, "entry")
    questions += [
        name for name, known in (("account", one.accounts), ("address", one.addresses)) if not known
    ]
    questions += ["time"] if timeless else []
    hunts: list[str] = [
        name
        for name, known in (("account", one.accounts), ("address", one.addresses), ("host", one.hosts))
        if known
    ]
    hunts += [name for name in words.HUNTS if name in one.tactics]
    filled = {
        "hosts": hosts,
        "accounts": words.several(one.accounts),
        "addresses": words.several(one.addresses),
    }
    taken = [step.title for step in one.steps if step.tactic in ("collection", "exfiltration")]
    return replace(
        one,
        entry=_entry(one, time),
        spread=words.fill(words.SPREAD, n=len(one.hosts), hosts=words.several(one.hosts, 12))
        if len(one.hosts) > 1
        else words.SPREAD_NONE,
        taken=words.fill(words.TAKEN, titles=words.several(list(dict.fromkeys(taken))))
        if taken
        else words.TAKEN_NONE,
        questions=tuple(words.fill(words.QUESTIONS[name], n=timeless, **filled) for name in questions),
        hunts=tuple(words.fill(words.HUNTS[name], time=time, **filled) for name in hunts),
    )


def _where(hosts: tuple[str, ...], account: str) -> Text:
    """On which hosts, else at whose account."""
    if hosts:
        return words.fill(words.ON, hosts=words.several(hosts))
    return words.fill(words.WITH, account=account) if account else words.NOWHERE


def _entry(one: Incident, time: str) -> Text:
    first = one.steps[0]
    where = _where((first.host,) if first.host else (), first.account)
    text = words.ENTRY_FROM if first.address else words.ENTRY
    return words.fill(text, title=first.title, where=where, time=time, address=first.address)
