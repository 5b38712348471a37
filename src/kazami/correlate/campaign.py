"""Incidents to campaigns, over keyed digests: whoever runs this learns that tenants share something, not what.

A digest is HMAC-SHA256 (RFC 2104) over kind and value, with a key of an epoch of 90 days; without the key it cannot be
tried out, as a plain hash of an address or a name could. What lies near the border of two epochs has a digest in both.

Two incidents of different tenants belong together where the things that they share are rare enough: for each
kind the rarest counts once, ``log((tenants + UNSEEN) / tenants that have it)`` times the weight of the kind, and the sum has to
reach `ENOUGH`. So one tool that all have ties nothing, however many attack alike; one thing alone ties only in a large
house; a tool together with its control server ties in a small one.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations

from kazami.model.address import is_inside
from kazami.model.campaign import Campaign, Tie, Token
from kazami.model.incident import Skeleton

#: Days of an epoch, and between two incidents that can still be one campaign.
EPOCH, APART = 90, 14

#: Kinds that can tie, and how much. An account ties only where it is the provider's: administrators are called alike.
KINDS: dict[str, float] = {"address": 1.0, "domain": 1.0, "hash": 1.0, "account": 1.0, "service": 0.7}

#: Tenants that nobody here has seen: in a house of three a thing that two have is not common because of that.
UNSEEN = 6
ENOUGH = 2.0

#: A thing that more incidents have is no tie, and costs too much to look at.
HOT = 200


def epochs(first: date, last: date) -> range:
    """Numbers of the epochs whose keys something seen from `first` to `last` needs; the last four at most."""
    start = (first - timedelta(days=APART)).toordinal() // EPOCH
    stop = (last + timedelta(days=APART)).toordinal() // EPOCH
    return range(max(start, stop - 3), stop + 1)


def digest(key: bytes, kind: str, value: str) -> str:
    """32 hex digits of a value of a kind."""
    text = f"{kind}|{value}".encode("utf-8", "surrogatepass")
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:32]


def tokens(
    skeletons: Iterable[Skeleton], key_of: Callable[[int], bytes], accounts: frozenset[str] = frozenset()
) -> Iterator[Token]:
    """What incidents were seen with, as digests; `accounts` are the provider's, without domain, in small letters."""
    for one in skeletons:
        if one.kind not in KINDS or one.first is None or one.last is None:
            continue
        if one.kind == "address" and is_inside(one.entity):
            continue
        if one.kind == "account" and one.entity not in accounts:
            continue
        first, last = one.first.date(), one.last.date()
        for epoch in epochs(first, last):
            made = digest(key_of(epoch), one.kind, one.entity)
            yield Token(one.tenant, one.incident_uid, one.kind, made, first, last)


def campaigns(found: Iterable[Token]) -> list[Campaign]:
    """Campaigns, the strongest first, of tokens of all tenants. An incident belongs to one at most."""
    of_incident: dict[str, list[Token]] = defaultdict(list)
    for token in found:
        of_incident[token.incident_uid].append(token)
    shared = _shared(of_incident)
    strong = {pair: ties for pair, ties in shared.items() if _sum(ties.values()) >= ENOUGH}
    inside: dict[str, list[dict[str, Tie]]] = defaultdict(list)
    for (one, _), ties in strong.items():
        inside[one].append(ties)
    made = [
        _campaign({uid: of_incident[uid] for uid in group}, [ties for uid in group for ties in inside[uid]])
        for group in _groups(strong)
    ]
    return sorted(made, key=lambda one: (-one.score, one.campaign_uid))


def _shared(of_incident: Mapping[str, Sequence[Token]]) -> dict[tuple[str, str], dict[str, Tie]]:
    """For each pair of incidents of different tenants the rarest thing of each kind that they share."""
    house = len({tokens[0].tenant for tokens in of_incident.values()})
    by_digest: dict[tuple[str, str], dict[str, Token]] = defaultdict(dict)
    for tokens in of_incident.values():
        for token in tokens:
            by_digest[token.kind, token.digest].setdefault(token.incident_uid, token)
    shared: dict[tuple[str, str], dict[str, Tie]] = defaultdict(dict)
    for (kind, name), holders in by_digest.items():
        tenants = tuple(sorted({token.tenant for token in holders.values()}))
        if len(tenants) < 2 or len(holders) > HOT:
            continue
        tie = Tie(kind, name, tenants, KINDS[kind] * math.log((house + UNSEEN) / len(tenants)))
        for one, other in combinations(sorted(holders.values(), key=lambda token: token.incident_uid), 2):
            if one.tenant != other.tenant and _near(one, other):
                best = shared[one.incident_uid, other.incident_uid]
                if kind not in best or best[kind].weight < tie.weight:
                    best[kind] = tie
    return shared


def _near(one: Token, other: Token) -> bool:
    apart = max(one.first, other.first) - min(one.last, other.last)
    return apart <= timedelta(days=APART)


def _sum(ties: Iterable[Tie]) -> float:
    return sum(tie.weight for tie in ties)


def _groups(pairs: Iterable[tuple[str, str]]) -> list[set[str]]:
    """What hangs together."""
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while above.setdefault(name, name) != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    for one, other in pairs:
        above[top(one)] = top(other)
    groups: dict[str, set[str]] = defaultdict(set)
    for name in list(above):
        groups[top(name)].add(name)
    return list(groups.values())


def _campaign(group: Mapping[str, Sequence[Token]], inside: Sequence[dict[str, Tie]]) -> Campaign:
    """The campaign of some incidents with their tokens; `inside` is what ties its pairs."""
    ties = {tie.digest: tie for one in inside for tie in one.values()}
    first_of = {uid: min(token.first for token in tokens) for uid, tokens in group.items()}
    ordered = sorted(group, key=lambda uid: (first_of[uid], uid))
    return Campaign(
        campaign_uid=hashlib.sha256(f"campaign\0{ordered[0]}".encode()).hexdigest()[:32],
        tenants=tuple(sorted({tokens[0].tenant for tokens in group.values()})),
        incidents=tuple((uid, group[uid][0].tenant) for uid in ordered),
        ties=tuple(sorted(ties.values(), key=lambda tie: (-tie.weight, tie.kind, tie.digest))),
        score=max(_sum(one.values()) for one in inside),
        first=min(first_of.values()),
        last=max(token.last for tokens in group.values() for token in tokens),
    )


def bands(found: Iterable[Token], least: int = 3) -> dict[str, set[str]]:
    """Kinds of things of an incident that `least` or more *other* tenants have, too: all that X may hear of others."""
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    everything = list(found)
    for token in everything:
        holders[token.kind, token.digest].add(token.tenant)
    said: dict[str, set[str]] = defaultdict(set)
    for token in everything:
        if len(holders[token.kind, token.digest] - {token.tenant}) >= least:
            said[token.incident_uid].add(token.kind)
    return dict(said)
