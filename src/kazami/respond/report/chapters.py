"""The findings for the analyst: a chapter a rule, in it the hosts, in them the findings in order of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from kazami.respond.report.selection import Shown
from kazami.respond.report.tally import Group, RuleText, Tally

#: Hosts named after those whose findings are shown.
OTHERS = 30


@dataclass(frozen=True, slots=True)
class Place:
    """What one rule found on one host; `count` is all of it, `findings` what is shown."""

    tenant: str
    host: str
    count: int
    findings: list[Shown]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One rule with its findings; `others` are hosts of which no finding is shown."""

    number: int
    text: RuleText
    group: Group
    places: list[Place]
    others: list[tuple[str, str, int]]
    others_left_out: int

    @property
    def shown(self) -> int:
        """Findings shown in full."""
        return sum(len(place.findings) for place in self.places)


def by_severity(tally: Tally) -> list[Group]:
    """Rules with findings: the highest level first, then those with most findings."""
    return sorted(tally.rules.values(), key=lambda rule: (-rule.rank, -rule.count, rule.key))


def _places(group: Group, findings: list[Shown]) -> list[Place]:
    by_host: dict[tuple[str, str], list[Shown]] = defaultdict(list)
    for shown in findings:
        by_host[shown.tenant, shown.host].append(shown)
    places = []
    for (tenant, host), mine in by_host.items():
        mine.sort(key=lambda shown: (shown.time, shown.uid))
        places.append(Place(tenant, host, max(group.hosts.get((tenant, host), 0), len(mine)), mine))
    return sorted(places, key=lambda place: (place.findings[0].time, place.host, place.tenant))


def chapters(tally: Tally, shown: Iterable[Shown], most: int) -> list[Chapter]:
    """At most `most` chapters, the most severe rules first."""
    by_rule: dict[str, list[Shown]] = defaultdict(list)
    for finding in shown:
        by_rule[finding.rule].append(finding)
    book = []
    for number, group in enumerate(by_severity(tally)[:most], 1):
        text = tally.texts.get(group.key)
        if text is None:
            continue
        places = _places(group, by_rule[group.key])
        seen = {(place.tenant, place.host) for place in places}
        others = [(*key, count) for key, count in group.hosts.items() if key not in seen]
        book.append(Chapter(number, text, group, places, others[:OTHERS], max(len(others) - OTHERS, 0)))
    return book
