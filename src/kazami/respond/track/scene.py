"""What a picture is of: steps with a place and a time, the lanes that are shown, and what is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kazami.model.address import is_inside
from kazami.model.finding import level_rank
from kazami.model.incident import Incident, Move, Step
from kazami.respond.track.kind import kind_of

#: A host of a tenant; the name is empty for what no host is known of.
Place = tuple[str, str]

#: Hosts of tier 0 and 1 stand below: who starts on a machine that matters little and ends on one that matters much goes down.
ORDINARY = 2


@dataclass(frozen=True, slots=True)
class Spot:
    """A step at its place: `second` since 1970, `incident` as a place in the list that was given."""

    place: Place
    second: float
    incident: int
    step: Step

    @property
    def kind(self) -> str:
        """What it was for."""
        return kind_of(self.step.tactic)

    @property
    def rank(self) -> int:
        """Its level as a number."""
        return level_rank(self.step.level)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A move at its places."""

    source: Place
    target: Place
    second: float
    move: Move


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that will be drawn, in the order of time, and how much will not.

    `entry` is the step of initial access, or the first one where none was found (`entered` is then false). `exits` are the
    first steps of exfiltration, one a host.
    """

    spots: list[Spot] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    tiers: Mapping[Place, int] = field(default_factory=dict)
    entry: Spot | None = None
    entered: bool = False
    exits: list[Spot] = field(default_factory=list)
    undated: int = 0
    hosts_left_out: int = 0
    steps_left_out: int = 0
    moves_left_out: int = 0


def scene(
    incidents: Sequence[Incident], lanes: int, moves: int, tiers: Mapping[Place, int] | None = None
) -> Scene:
    """What to draw of incidents: at most `lanes` hosts, those that matter most, and `moves` arrows."""
    tiers = tiers or {}
    spots, undated = _spots(incidents)
    arrivals = _arrivals(incidents)
    entry, entered = _entry(spots)
    chosen = _chosen(spots, arrivals, entry, lanes)
    shown = [spot for spot in spots if spot.place in chosen]
    inside = [one for one in arrivals if one.source in chosen and one.target in chosen]
    kept = _kept(inside, moves)
    return Scene(
        spots=shown,
        arrivals=kept,
        places=_ordered(shown, tiers),
        tiers=tiers,
        entry=entry,
        entered=entered,
        exits=_exits(shown),
        undated=undated,
        hosts_left_out=len({spot.place for spot in spots} - chosen),
        steps_left_out=len(spots) - len(shown),
        moves_left_out=len(arrivals) - len(kept),
    )


def outside(step: Step) -> str:
    """The address of a step where it is one of the internet; else nothing."""
    return "" if not step.address or is_inside(step.address) else step.address


def _spots(incidents: Sequence[Incident]) -> tuple[list[Spot], int]:
    spots, undated = [], 0
    for number, one in enumerate(incidents):
        for step in one.steps:
            if step.first is None:
                undated += 1
                continue
            spots.append(Spot((one.tenant, step.host), step.first.timestamp(), number, step))
    spots.sort(key=lambda spot: (spot.second, spot.incident, spot.step.number))
    return spots, undated


def _arrivals(incidents: Sequence[Incident]) -> list[Arrival]:
    found = [
        Arrival((one.tenant, move.source), (one.tenant, move.target), move.time.timestamp(), move)
        for one in incidents
        for move in one.moves
        if move.time is not None
    ]
    return sorted(found, key=lambda one: (one.second, one.source, one.target))


def _entry(spots: Sequence[Spot]) -> tuple[Spot | None, bool]:
    access = next((spot for spot in spots if spot.step.tactic == "initial-access"), None)
    return (access, True) if access else (spots[0] if spots else None, False)


def _exits(spots: Sequence[Spot]) -> list[Spot]:
    first: dict[Place, Spot] = {}
    for spot in spots:
        if spot.step.tactic == "exfiltration":
            first.setdefault(spot.place, spot)
    return list(first.values())


def _chosen(spots: Sequence[Spot], arrivals: Sequence[Arrival], entry: Spot | None, most: int) -> set[Place]:
    """The hosts that matter most: where it began, where data left, the gravest, those that were moved between."""
    moved = {place for one in arrivals for place in (one.source, one.target)}
    mine: dict[Place, list[Spot]] = defaultdict(list)
    for spot in spots:
        mine[spot.place].append(spot)

    def weight(place: Place) -> tuple[bool, int, bool, int, str, str]:
        steps = mine[place]
        left = any(spot.step.tactic in ("exfiltration", "impact") for spot in steps)
        gravest = max(spot.rank for spot in steps)
        first = entry is not None and entry.place == place
        return (not first, -gravest - 2 * left, place not in moved, -len(steps), *place)

    return set(sorted(mine, key=weight)[:most])


def _ordered(spots: Sequence[Spot], tiers: Mapping[Place, int]) -> list[Place]:
    """Tenants in the order in which they were reached; in them hosts of little value first, then as they were reached."""
    first: dict[Place, int] = {}
    band: dict[str, int] = {}
    for number, spot in enumerate(spots):
        first.setdefault(spot.place, number)
        band.setdefault(spot.place[0], number)
    return sorted(
        first, key=lambda place: (band[place[0]], -min(tiers.get(place, ORDINARY), ORDINARY), first[place])
    )


def _kept(arrivals: Sequence[Arrival], most: int) -> list[Arrival]:
    """The first arrival at each host, then the others, as many as there is room for; in the order of time."""
    seen: set[Place] = set()
    ranked = []
    for number, one in enumerate(arrivals):
        ranked.append((one.target in seen, number))
        seen.add(one.target)
    return [arrivals[number] for number in sorted(number for _, number in sorted(ranked)[:most])]
