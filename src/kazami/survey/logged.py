"""All that a case shows of its logging, put together: settings by machine, rules blind for them, holes, what was done to logs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kazami.detect.sigma.rule import Rule
from kazami.store.case import Case
from kazami.survey import presence, sight, streams
from kazami.survey.coverage import Covered, covered, whole
from kazami.survey.gaps import Gap, gaps
from kazami.survey.setting import settings
from kazami.survey.tampering import starts, tampering

_KINDS = ("clock", "records", "silence", "extract")
_NOTES = ("alone", "still", "", "was_off", "apart")

#: Tenant, machine (None: the tenant as a whole) and setting.
Place = tuple[str, str | None, str]


@dataclass(frozen=True, slots=True)
class Logged:
    """`blind` are titles of rules by place; `gaps` come as a person should look at them; `tampering` are its rows."""

    covered: list[Covered]
    blind: dict[Place, list[str]]
    gaps: list[Gap] = field(default_factory=list)
    tampering: list[dict[str, Any]] = field(default_factory=list)

    def of(self, wanted: Callable[[str, str | None], bool]) -> Logged:
        """What concerns the tenants and machines that are `wanted`."""
        return Logged(
            [row for row in self.covered if wanted(row.tenant, row.host)],
            {place: titles for place, titles in self.blind.items() if wanted(place[0], place[1])},
            [gap for gap in self.gaps if wanted(gap.tenant, gap.host)],
            [row for row in self.tampering if wanted(row["tenant"], row["host"])],
        )

    def titles(self) -> dict[str, set[str]]:
        """By setting: rules that see nothing somewhere because of it."""
        found: dict[str, set[str]] = defaultdict(set)
        for (_, _, setting), titles in self.blind.items():
            found[setting].update(titles)
        return found


def logged(case: Case, rules: Sequence[Rule]) -> Logged:
    """What a case shows of its logging, and what `rules` miss for it. Looks at all events."""
    machines, known = presence.hosts(case), settings()
    every = list(streams.streams(case))
    rows = list(covered(machines, known, presence.signs(case, known.values()), whole(every)))
    dark = sight.blindness(rules, sight.filled(case, sight.wanted(rules)))
    blind: dict[Place, list[str]] = {
        (row.tenant, row.host, row.setting): sight.because(
            known[row.setting], dark.get((row.tenant, row.host), ())
        )
        for row in rows
        if row.state != "on" and row.host is not None
    }
    begun = starts(case)
    found = [
        gap
        for logs in streams.by_host(iter(every))
        for one in [next(iter(logs.values()))[0]]
        for gap in gaps(logs, begun.get((one.tenant, one.host), ()))
    ]
    return Logged(rows, blind, sorted(found, key=_weight), list(tampering(case)))


def _weight(gap: Gap) -> tuple[Any, ...]:
    """What a person should look at first."""
    return (
        gap.note == "apart",
        _KINDS.index(gap.hole.kind),
        _NOTES.index(gap.note),
        -(gap.hole.records or gap.hole.seconds or 0),
    )
