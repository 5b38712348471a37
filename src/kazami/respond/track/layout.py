"""Where everything of a picture lies: a pure function from incidents to lanes, phases, marks and arrows, in pixels.

Nothing here knows how things look or what they are called in any language; `draw` makes SVG of it, a console may make
something else. The same scene is laid out once for wide and once for narrow screens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from kazami.model.finding import level_rank
from kazami.model.incident import Incident
from kazami.model.story import Bond
from kazami.respond.track.milestone import milestones
from kazami.respond.track.phase import Phase, phases, placed, stretches, ticks
from kazami.respond.track.scene import ORDINARY, Arrival, Place, Scene, Spot, outside, scene


@dataclass(frozen=True, slots=True)
class Size:
    """Bounds and measures of a picture, in pixels: `names` is the column of host names, 0 where they stand above their lanes."""

    width: int
    names: int
    lane: int
    lanes: int
    phases: int
    phase: int  # least width of a phase
    gap: int
    moves: int = 40
    exits: int = 4


WIDE = Size(1132, 170, 46, 14, 8, 84, 42)
NARROW = Size(360, 0, 64, 10, 3, 72, 36, moves=16, exits=3)

#: Heights: of the phases' times, of what is outside, of a tenant's name, of the ticks' times below all lanes.
HEAD, OUTSIDE, BAND, FOOT = 40, 30, 22, 18
#: Pixels between marks, and within which marks of one kind become one.
SPACE, NEAR = 14, 16
#: Parts of a phase, of which each may have marks of its own when its width is judged.
_PARTS = 8


@dataclass(frozen=True, slots=True)
class Lane:
    """A host: `y` is its middle; `spans` are stretches of it in which something was seen, in pixels."""

    place: Place
    y: float
    tier: int
    first: float
    last: float
    steps: int
    spans: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Band:
    """A tenant, over all its lanes."""

    tenant: str
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Steps of one kind on one host, close together; `badges` are the numbers of milestones among them."""

    x: float
    y: float
    kind: str
    rank: int
    spots: tuple[Spot, ...]
    badges: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """`what` is ``move``, ``entry``, ``exit`` or ``bond``; `label` an account, an address, or what two incidents share.

    `spot` is the step of an entry, an exit, or the end of a bond.
    """

    what: str
    x1: float
    y1: float
    x2: float
    y2: float
    label: str = ""
    arrival: Arrival | None = None
    spot: Spot | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """A picture. `told` are the milestones in order, whose numbers the badges say; `ticks` are places of seconds."""

    size: Size
    height: float
    bottom: float  # of the lanes
    scene: Scene
    outside: float = 0.0  # middle of the strip of what is outside; 0 where nothing leads there
    phases: list[Phase] = field(default_factory=list)
    ticks: list[tuple[float, float]] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    told: list[Spot] = field(default_factory=list)


def track(
    incidents: Sequence[Incident],
    size: Size = WIDE,
    tiers: Mapping[Place, int] | None = None,
    bonds: Sequence[Bond] = (),
) -> Track | None:
    """The picture of one incident, or of several of one or more tenants, which `bonds` tie; None where no step has a time."""
    seen = scene(incidents, size.lanes, size.moves, tiers)
    if not seen.spots:
        return None
    axis = _axis(seen, size)
    through = bool(seen.exits or (seen.entry and (seen.entered or outside(seen.entry.step))))
    top = HEAD + (OUTSIDE if through else 0)
    bands, rows, bottom = _rows(seen.places, size, top)
    told = milestones(seen)
    marks = _marks(seen, axis, rows, {id(spot): number for number, spot in enumerate(told, 1)})
    marked = [(one.at(second), second) for one in axis for second in ticks(one)]
    at = {id(spot): mark for mark in marks for spot in mark.spots}
    made = Track(
        size,
        bottom + (FOOT if marked else 4),
        bottom,
        seen,
        HEAD + OUTSIDE / 2 if through else 0.0,
        axis,
        marked,
        bands,
        told=told,
    )
    return replace(
        made,
        lanes=_lanes(seen, axis, rows),
        marks=marks,
        arrows=[
            *_bound(seen, at, bonds),
            *_through(seen, at, made.outside, size),
            *_moved(seen, marks, rows),
        ],
    )


def _axis(seen: Scene, size: Size) -> list[Phase]:
    active = [one for spot in seen.spots for one in _stretches(spot)]
    active += [(one.second, one.second) for one in seen.arrivals]
    found = phases(active, size.phases)
    needs = [max(size.phase, SPACE * (_crowd(seen.spots, one) + 1)) for one in found]
    return placed(found, needs, size.names + 14, size.width - 14, size.gap)


def _stretches(spot: Spot) -> list[tuple[float, float]]:
    last = spot.step.last.timestamp() if spot.step.last else spot.second
    return stretches(spot.second, max(last, spot.second), spot.step.findings)


def _crowd(spots: Sequence[Spot], phase: Phase) -> int:
    """How many marks the fullest lane of a phase has to hold."""
    length = max(phase.stop - phase.start, 1.0)
    lanes: dict[Place, set[tuple[str, int]]] = defaultdict(set)
    for spot in spots:
        if phase.start <= spot.second <= phase.stop:
            lanes[spot.place].add((spot.kind, int(_PARTS * (spot.second - phase.start) / length)))
    return max(map(len, lanes.values()), default=0)


def _rows(places: Sequence[Place], size: Size, top: float) -> tuple[list[Band], dict[Place, float], float]:
    """The bands of tenants, the middle of each lane, and where the last one ends."""
    several = len({place[0] for place in places}) > 1
    bands: list[Band] = []
    rows: dict[Place, float] = {}
    y = top
    for place in places:
        if not bands or bands[-1].tenant != place[0]:
            bands.append(Band(place[0], y, y))
            y += BAND if several else 0
        rows[place] = y + size.lane / 2 + (0 if size.names else 16)
        y += size.lane
        bands[-1] = replace(bands[-1], bottom=y)
    return bands, rows, y


def _lanes(seen: Scene, axis: Sequence[Phase], rows: Mapping[Place, float]) -> list[Lane]:
    mine: dict[Place, list[Spot]] = defaultdict(list)
    for spot in seen.spots:
        mine[spot.place].append(spot)
    lanes = []
    for place, y in rows.items():
        ends = [end for spot in mine[place] for end in _stretches(spot)]
        spans = [
            (phase.at(min(inside)), phase.at(max(inside)))
            for phase in axis
            if (inside := [s for end in ends for s in end if phase.start <= s <= phase.stop])
        ]
        first, last = min(end[0] for end in ends), max(end[1] for end in ends)
        tier = seen.tiers.get(place, ORDINARY + 1)
        lanes.append(Lane(place, y, tier, first, last, len(mine[place]), tuple(spans)))
    return lanes


def _phase(axis: Sequence[Phase], second: float) -> int:
    """The phase that a second lies in, or the nearest one."""
    return min(range(len(axis)), key=lambda n: max(axis[n].start - second, second - axis[n].stop, 0.0))


def _marks(
    seen: Scene, axis: Sequence[Phase], rows: Mapping[Place, float], numbers: Mapping[int, int]
) -> list[Mark]:
    cells: dict[tuple[Place, int], list[Spot]] = defaultdict(list)
    for spot in seen.spots:
        cells[spot.place, _phase(axis, spot.second)].append(spot)
    marks: list[Mark] = []
    for (place, number), spots in cells.items():
        bundles = _bundled(spots, axis[number])
        xs = _apart([x for x, _ in bundles], axis[number])
        for x, (_, inside) in zip(xs, bundles, strict=True):
            badges = tuple(sorted(numbers[id(spot)] for spot in inside if id(spot) in numbers))
            rank = max(level_rank(spot.step.level) for spot in inside)
            marks.append(Mark(round(x, 1), rows[place], inside[0].kind, rank, tuple(inside), badges))
    return marks


def _bundled(spots: Sequence[Spot], phase: Phase) -> list[tuple[float, list[Spot]]]:
    """Steps of one lane in one phase: those of one kind are one mark where they would lie on each other, or on others."""
    bundles: list[tuple[float, list[Spot]]] = []
    since, open_kinds = float("-inf"), dict[str, list[Spot]]()
    for spot in spots:
        x = phase.at(spot.second)
        if x - since > max(NEAR, SPACE * len(open_kinds)):
            since, open_kinds = x, {}
        if spot.kind in open_kinds:
            open_kinds[spot.kind].append(spot)
        else:
            open_kinds[spot.kind] = [spot]
            bundles.append((x, open_kinds[spot.kind]))
    return bundles


def _apart(xs: Sequence[float], phase: Phase) -> list[float]:
    """`xs`, moved as little to the right as keeps them apart, and back where the phase ends."""
    space = min(float(SPACE), (phase.right - phase.left) / max(len(xs) - 1, 1))
    made: list[float] = []
    for x in xs:
        made.append(max(x, made[-1] + space) if made else x)
    limit = phase.right
    for number in range(len(made) - 1, -1, -1):
        made[number] = min(made[number], limit)
        limit = made[number] - space
    return made


def _through(seen: Scene, at: Mapping[int, Mark], y: float, size: Size) -> list[Arrow]:
    """How it came in and what left, from and to the strip of what is outside."""
    arrows = []
    entry = seen.entry
    if y and entry is not None and id(entry) in at and (seen.entered or outside(entry.step)):
        mark = at[id(entry)]
        arrows.append(Arrow("entry", mark.x, y, mark.x, mark.y, outside(entry.step), spot=entry))
    for spot in seen.exits[: size.exits]:
        mark = at[id(spot)]
        arrows.append(Arrow("exit", mark.x, mark.y, mark.x, y, outside(spot.step), spot=spot))
    return arrows


def _moved(seen: Scene, marks: Sequence[Mark], rows: Mapping[Place, float]) -> list[Arrow]:
    """Moves from lane to lane; each ends at what was seen of it first."""
    there: dict[Place, list[tuple[float, float]]] = defaultdict(list)
    for mark in marks:
        for spot in mark.spots:
            there[spot.place].append((spot.second, mark.x))
    arrows = []
    for one in seen.arrivals:
        if one.source in rows and one.target in there and one.source != one.target:
            x = min(there[one.target], key=lambda seen: (abs(seen[0] - one.second), seen))[1]
            ends = (x, rows[one.source], x, rows[one.target])
            arrows.append(Arrow("move", *ends, one.move.account, arrival=one))
    return arrows


def _bound(seen: Scene, at: Mapping[int, Mark], bonds: Sequence[Bond]) -> list[Arrow]:
    """From what an incident had last done when another began, which was seen with the same thing, to how that one began."""
    arrows = []
    for bond in bonds:
        theirs = [spot for spot in seen.spots if spot.incident == bond.target]
        named = (spot for spot in theirs if bond.entity in (spot.step.address, spot.step.account))
        end = next(named, theirs[0] if theirs else None)
        if end is None:
            continue
        before = [s for s in seen.spots if s.incident == bond.source and s.second <= end.second]
        start = before[-1] if before else None
        if start is not None and start.place != end.place:
            one, other = at[id(start)], at[id(end)]
            arrows.append(Arrow("bond", one.x, one.y, other.x, other.y, bond.entity, spot=end))
    return arrows
