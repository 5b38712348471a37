"""What a tenant has had, and how surprising a thing is by that: a p-value that few data cannot make small.

A unit is a host on a day, or a file; it has things in facets (programs, parent and child, signers ...). Each earlier unit u is asked which share
f_u(c) of its own things at most c other units have. A thing that c units have gets

    p = (1 + sum of f_u(c) over units) / (number of units + 1)

which is a conformal p-value (Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005; leave-one-out scores as in Barber et al., Predictive
inference with the jackknife+, 2021) of units that come from one source: of ordinary things at most a share p is as rare. Where a tenant has something new every day, new is not
rare; with n units p is never below 1 / (n + 1), so a memory that has just begun says nothing.

Several facets of one unit: the smallest p times their number (Bonferroni).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

#: From which p on downwards a thing is rare.
RARE = 0.02

#: Units that are remembered, the newest, and things of one facet of one unit.
UNITS, THINGS = 20_000, 20_000

#: What a unit has: facet to things.
Things = Mapping[str, Iterable[str]]


@dataclass(slots=True)
class _Facet:
    units: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    below: list[float] = field(default_factory=list)  # sum of f_u(c) by c
    new: list[float] = field(default_factory=list)  # share of things that no other unit has, of each unit


@dataclass(frozen=True, slots=True)
class Rare:
    """A thing that is rare: `seen` of `units` earlier units have it."""

    facet: str
    thing: str
    p: float
    seen: int
    units: int


class Memory:
    """What the units of one tenant had. Not changed once it is made: `with_units` gives another."""

    def __init__(self, units: Mapping[str, Things] | None = None) -> None:
        self.units: dict[str, dict[str, frozenset[str]]] = {
            name: {facet: frozenset(sorted(things)[:THINGS]) for facet, things in facets.items() if things}
            for name, facets in (units or {}).items()
        }
        self._facets: dict[str, _Facet] = {}
        for facets in self.units.values():
            for name, things in facets.items():
                facet = self._facets.setdefault(name, _Facet())
                facet.units += 1
                facet.counts.update(things)
        for name, facet in self._facets.items():
            self._measure(name, facet)

    def _measure(self, name: str, facet: _Facet) -> None:
        exact: dict[int, float] = defaultdict(float)
        for facets in self.units.values():
            things = facets.get(name)
            if not things:
                continue
            counts = [facet.counts[thing] - 1 for thing in things]
            facet.new.append(counts.count(0) / len(counts))
            for count in counts:
                exact[count] += 1 / len(counts)
        total = 0.0
        for count in range(facet.units):
            total += exact[count]
            facet.below.append(total)

    def with_units(self, units: Mapping[str, Things]) -> Memory:
        """This memory and more units; of two of one name the later, of all the newest `UNITS` by name."""
        every = {**self.units, **units}
        return Memory({name: every[name] for name in sorted(every)[-UNITS:]})

    def known(self, facet: str) -> int:
        """How many units have anything of a facet."""
        return self._facets[facet].units if facet in self._facets else 0

    def p_value(self, facet: str, thing: str) -> float:
        """How large the share of ordinary things is that are as rare; 1 where nothing is known of the facet."""
        known = self._facets.get(facet)
        if known is None:
            return 1.0
        seen = min(known.counts[thing], known.units - 1)
        return min(1.0, (1 + known.below[seen]) / (known.units + 1))

    def unlike(self, facet: str, things: Sequence[str]) -> bool:
        """Whether a unit as a whole is one that this memory says nothing of: half of it is new, and so much is of hardly any other unit."""
        known = self._facets.get(facet)
        if known is None or not things:
            return True
        new = sum(not known.counts[thing] for thing in things) / len(things)
        as_new = (1 + sum(other >= new for other in known.new)) / (known.units + 1)
        return new >= 0.5 and as_new <= RARE

    def rare(self, things: Things) -> list[Rare]:
        """What is rare of a unit, the rarest first; corrected for the number of facets that are known."""
        facets = {name: sorted(set(listed)) for name, listed in things.items() if self.known(name)}
        found = []
        for name, listed in facets.items():
            for thing in listed:
                p = min(1.0, self.p_value(name, thing) * len(facets))
                if p <= RARE:
                    known = self._facets[name]
                    found.append(Rare(name, thing, p, known.counts[thing], known.units))
        return sorted(found, key=lambda one: (one.p, one.seen, one.facet, one.thing))
