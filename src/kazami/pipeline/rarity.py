"""What is rare at a tenant: learned from its own earlier cases and files, held against new ones. No tenant is ever held against another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

from kazami.detect.content.meaning import meanings as read_meanings
from kazami.detect.content.verdict import judge
from kazami.detect.rarity import memory as rarity
from kazami.detect.rarity.memory import Memory, Rare, Things
from kazami.model.content import Feature, Inspection, Looked
from kazami.pipeline.inspect import meanings
from kazami.store import memories
from kazami.store.case import Case
from kazami.survey.things import plain, things

MEANINGS = read_meanings(Path(rarity.__file__).with_name("rarity.yml"))

#: Features whose value is what is rare or not; of all others their presence.
_VALUED = frozenset(("pe.signer", "pe.imphash"))
#: Verdicts of files that are learned: a file that something speaks against is not usual.
_USUAL = frozenset(("clean", "informational"))


@dataclass(frozen=True, slots=True)
class Told:
    """What is rare of a host on a day; `unlike` where the day as a whole is one that the memory says nothing of."""

    host: str
    day: str
    rare: tuple[Rare, ...]
    events: tuple[str, ...]
    unlike: tuple[str, ...]


def memory_of(folder: Path, tenant: str) -> Memory:
    """What is remembered of a tenant; nothing where nothing was learned."""
    return Memory(memories.load(folder, tenant))


def learn(folder: Path, tenant: str, units: Mapping[str, Things]) -> Memory:
    """Remember more of a tenant."""
    made = memory_of(folder, tenant).with_units(units)
    kept = {
        unit: {facet: sorted(listed) for facet, listed in had.items()} for unit, had in made.units.items()
    }
    memories.save(folder, tenant, kept)
    return made


def usual(case: Case, tenant: str) -> tuple[dict[str, Things], list[str]]:
    """Hosts and days of a case to learn from, and those that are left out because something grave was found there."""
    graves = case.database.rows(
        "SELECT DISTINCT lower(f.host) AS host, strftime(f.time, '%Y-%m-%d') AS day FROM kase.finding f "
        "JOIN kase.rule r ON r.id = f.rule_id AND r.version = f.rule_version "
        "WHERE f.tenant = ? AND r.level IN ('high', 'critical')",
        [tenant],
    )
    grave = {(row["host"], row["day"]) for row in graves}
    found: dict[str, Things] = {}
    left = []
    for (whose, host, day), had in things(case):
        if whose != tenant:
            continue
        if (host.lower(), day) in grave:
            left.append(f"{host} {day}")
        else:
            found[f"{day} {host}"] = had
    return found, left


def of_case(case: Case, tenant: str, known: Memory) -> list[Told]:
    """What is rare on each host and day of a case; days that were learned are not asked again."""
    found = []
    for (whose, host, day), had in things(case):
        if whose != tenant or f"{day} {host}" in known.units:
            continue
        unlike = tuple(facet for facet in had if known.known(facet) and known.unlike(facet, list(had[facet])))
        asked = [facet for facet in had if facet not in unlike]  # a list by facets: each stands for itself
        rare = sorted(
            (one for facet in asked for one in known.rare({facet: had[facet]})), key=lambda one: one.p
        )
        events = tuple(had[one.facet][one.thing] for one in rare)
        found.append(Told(host, day, tuple(rare), events, unlike))
    return found


def of_file(looked: Looked, path: str) -> Things:
    """What a file has that can be rare: by its kind, its features, and the values of those that name somebody or something."""
    found: dict[str, set[str]] = {}
    for feature in looked.features:
        if feature.name in _VALUED:
            found.setdefault(f"{looked.kind} {feature.name}", set()).add(feature.value.partition(";")[0])
        else:
            found.setdefault(f"{looked.kind} features", set()).add(feature.name)
    folder = str(PureWindowsPath(path).parent) if not looked.depth else ""
    if folder not in ("", "."):
        found[f"{looked.kind} folder"] = {plain(folder)}
    return found


def usual_files(inspected: Iterable[Inspection]) -> dict[str, Things]:
    """Files to learn from."""
    return {
        f"file {one.sha256}": of_file(one.looked[0], one.name)
        for one in inspected
        if one.looked and one.verdict.word in _USUAL
    }


def marked(one: Inspection, known: Memory) -> Inspection:
    """An inspection in which what is rare of the file counts as well, as far as its cap allows."""
    if not one.looked or one.error or f"file {one.sha256}" in known.units:
        return one
    rare = known.rare(of_file(one.looked[0], one.name))
    if not rare:
        return one
    said = "; ".join(f"{r.facet}: {r.thing} ({r.seen:,} of {r.units:,}, p {r.p:.3f})" for r in rare[:5])
    root = replace(one.looked[0], features=(*one.looked[0].features, Feature("learned.rare", said)))
    looked = (root, *one.looked[1:])
    own = [gap for gap in one.verdict.gaps if not any(gap in each.gaps for each in looked)]
    return replace(one, looked=looked, verdict=judge(looked, {**meanings(), **MEANINGS}, own))
