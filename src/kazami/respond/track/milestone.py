"""The few steps that tell the story: where it began, where it went, what was new each time, what left."""

from __future__ import annotations

from collections.abc import Iterator

from kazami.respond.track.scene import Place, Scene, Spot

#: Steps that are numbered in the picture and told beside it: of one tenant, and of several.
MOST, MORE = 9, 12

#: What a step counts for being the first of all, for taking something out, for being the first on its host, and of its kind.
_ENTRY, _EXIT, _HOST, _KIND, _GRAVE = 100, 90, 60, 40, 24


def milestones(scene: Scene) -> list[Spot]:
    """A few steps in the order of time; of one kind on one host one is enough."""
    most = MORE if len({place[0] for place in scene.places}) > 1 else MOST
    ranked = sorted(_weighed(scene), key=lambda one: (-one[0], one[1]))
    chosen: dict[tuple[Place, str], int] = {}
    for _, number in ranked:
        spot = scene.spots[number]
        chosen.setdefault((spot.place, spot.kind), number)
        if len(chosen) >= most:
            break
    return [scene.spots[number] for number in sorted(chosen.values())]


def _weighed(scene: Scene) -> Iterator[tuple[int, int]]:
    hosts: set[Place] = set()
    kinds: set[str] = set()
    exits = {id(spot) for spot in scene.exits}
    for number, spot in enumerate(scene.spots):
        weight = 4 * spot.rank
        weight += _ENTRY if spot is scene.entry else 0
        weight += _EXIT if id(spot) in exits else 0
        weight += _HOST if spot.place not in hosts else 0
        weight += _KIND if spot.kind not in kinds else 0
        weight += _GRAVE if spot.rank >= 4 else 0
        hosts.add(spot.place)
        kinds.add(spot.kind)
        yield weight, number
