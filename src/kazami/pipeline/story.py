"""The story of a case for its report and its summary: open incidents, the gravest first, and what belongs to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kazami.model.campaign import Campaign
from kazami.model.finding import level_rank
from kazami.model.incident import Incident, Skeleton, Text
from kazami.model.result import Blind
from kazami.model.story import Bond, Logging, Shared, Story
from kazami.model.tenant import UNKNOWN_TIER, Directory
from kazami.pipeline.campaigns import Fleeting, campaigns
from kazami.store import incidents
from kazami.store.case import Case

#: Incidents that a report tells with their picture, and those that it lists after them.
TOLD, LISTED = 12, 200

#: Campaigns that it shows, and entities of incidents among which it looks for them.
CAMPAIGNS, ENTITIES = 3, 20_000

#: Incidents of this level and above with so many techniques are held against what groups are known for.
GRAVE, LEAST = level_rank("high"), 3

#: Machines that are named where a setting is not on.
NAMED = 4

#: What ties two incidents best, for a person: where from and who, before what.
_KINDS = ("address", "domain", "account", "service", "hash")


def story(case: Case, directory: Directory | None = None, blind: Sequence[Blind] | None = None) -> Story:
    """What a report tells of a case; `directory` says which hosts matter most.

    With `blind`, the rules that could not match, it also says what logging would give them their sight, which takes a
    look at all events.
    """
    found = list(incidents.incidents(case, only="open", most=TOLD + LISTED))
    directory = directory or Directory()
    several = len({one.tenant for one in found}) > 1
    little = incidents.remembered(case) <= ENTITIES
    shared = list(_campaigns(case, directory)) if several and little else []
    drawn = [*found[:TOLD], *(one for campaign in shared for one in campaign.incidents)]
    return Story(
        **_assessed(case, found[:TOLD]),
        logging=None if blind is None else list(_logging(case, blind)),
        incidents=found[:TOLD],
        others=found[TOLD:],
        total=incidents.opened(case),
        tiers=_tiers(drawn, directory),
        campaigns=shared,
        unasked=several and not little,
    )


def _assessed(case: Case, found: Sequence[Incident]) -> dict[str, Any]:
    """Who it may have been, of incidents that are grave and say enough; the method is loaded only then."""
    asked = [
        one.incident_uid
        for one in found
        if level_rank(one.severity) >= GRAVE and len(one.techniques) >= LEAST
    ]
    if not asked:
        return {}
    from kazami.attribute.measured import measured
    from kazami.pipeline.attribution import of_incidents

    made = {uid: one.plain() for uid, one in of_incidents(case, asked).items()}
    return {"assessments": made, "measured": measured()}


def _logging(case: Case, rules: Sequence[Blind]) -> Iterator[Logging]:
    """Settings of logging, those first for which most rules are blind."""
    from kazami.survey import presence, sight, streams
    from kazami.survey.coverage import State, covered, matrix, whole
    from kazami.survey.setting import settings

    known = settings()
    signs = presence.signs(case, known.values())
    rows = list(covered(presence.hosts(case), known, signs, whole(streams.streams(case))))
    made = []
    for name, states in matrix(rows).items():
        setting, counts = known[name], {state: len(states[state]) for state in State}
        dark = [*states[State.off], *states[State.unknown]]
        made.append(
            Logging(
                Text(setting.name.of("en"), setting.name.of("ja")),
                Text(setting.how.of("en"), setting.how.of("ja")),
                *(counts[State.on], counts[State.off], counts[State.unknown]),
                tuple(_short(host) for host in dark[:NAMED]),
                tuple(sight.because(setting, rules)) if dark else (),
            )
        )
    yield from sorted(made, key=lambda one: (-len(one.blind), -one.off, -one.unknown, one.name.en))


def _short(host: str) -> str:
    """A host without its domain, which fills a table with what all have; addresses stay whole."""
    label = host.partition(".")[0]
    return host if label.isdigit() else label


def _campaigns(case: Case, directory: Directory) -> Iterator[Shared]:
    """The strongest campaigns, with what ties their incidents by name: the provider holds the evidence of all of them."""
    known = incidents.skeletons(case)
    for campaign in campaigns(case, Fleeting(), directory)[:CAMPAIGNS]:
        told = [incidents.incident(case, uid) for uid, _ in campaign.incidents]
        yield Shared(
            incidents=tuple(one for one in told if one is not None),
            tenants=campaign.tenants,
            kinds=tuple(sorted({tie.kind for tie in campaign.ties})),
            bonds=tuple(_bonds(campaign, known)),
        )


def _bonds(campaign: Campaign, known: Sequence[Skeleton]) -> Iterator[Bond]:
    """For each incident but the first, what it was seen with that an earlier one of another tenant was seen with too."""
    place = {uid: number for number, (uid, _) in enumerate(campaign.incidents)}
    tenant = dict(campaign.incidents)
    kinds = {tie.kind for tie in campaign.ties}
    holders: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in known:
        if one.incident_uid in place and one.kind in kinds:
            holders[one.kind, one.entity].append(one.incident_uid)
    best: dict[int, tuple[int, int, str, Bond]] = {}
    for (kind, entity), uids in holders.items():
        ordered = sorted(uids, key=place.__getitem__)
        for uid in ordered[1:]:
            first = next((other for other in ordered if tenant[other] != tenant[uid]), None)
            if first is None or place[first] > place[uid]:
                continue
            bond = Bond(place[first], place[uid], kind, entity)
            rank = (_KINDS.index(kind), len(uids), entity, bond)
            best[place[uid]] = min(best.get(place[uid], rank), rank, key=lambda one: one[:3])
    yield from (best[number][3] for number in sorted(best))


def _tiers(found: Sequence[Incident], directory: Directory) -> Mapping[tuple[str, str], int]:
    """The tiers that tenants.toml names, of the hosts of incidents."""
    places = {(one.tenant, host) for one in found for host in one.hosts}
    tiers = {place: directory.tenant(place[0]).tier(place[1]) for place in places}
    return {place: tier for place, tier in tiers.items() if tier != UNKNOWN_TIER}
