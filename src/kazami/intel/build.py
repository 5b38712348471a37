"""From the objects of a STIX bundle to the compact table."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kazami.errors import UsageError
from kazami.intel.bundle import Object
from kazami.intel.table import Campaign, Group, Mitigation, Software, Table, Tactic, Technique, Use

#: Characters of a name, names of one thing, and reports cited for one use: what is more is cut.
LONGEST, MOST_NAMES, MOST_CITED = 200, 64, 64

_ID = {
    "x-mitre-tactic": re.compile(r"TA\d{4}"),
    "attack-pattern": re.compile(r"T\d{4}(\.\d{3})?"),
    "course-of-action": re.compile(r"M\d{4}"),
    "intrusion-set": re.compile(r"G\d{4}"),
    "malware": re.compile(r"S\d{4}"),
    "tool": re.compile(r"S\d{4}"),
    "campaign": re.compile(r"C\d{4}"),
}
_VERSION = re.compile(r"\d{1,3}(\.\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Built:
    """The table, and what was left out of it, by reason."""

    table: Table
    left_out: Counter[str]


def build(objects: Sequence[Object], version: str = "") -> Built:
    """The table of `objects`; `version` is needed where no collection among them says it (``18.1``).

    Raises UsageError where the version cannot be known, or there is no technique.
    """
    left_out: Counter[str] = Counter()
    known = _known(objects, left_out)
    ids = {stix: one.attack_id for stix, one in known.items()}
    related = _related(objects, ids, left_out)
    successor = {source: target for source, target, _ in related["revoked-by"]}
    uses, citations = _uses(related["uses"])
    table = Table(
        version=_version(objects, version),
        tactics=tuple(
            Tactic(o.attack_id, o.x_mitre_shortname[:LONGEST], _name(o)) for o in _of(known, "x-mitre-tactic")
        ),
        techniques=_techniques(known, related, successor, _components(objects, ids)),
        mitigations=_mitigations(known, related),
        groups=tuple(
            Group(o.attack_id, _name(o), _aliases(o), _state(o), successor.get(o.attack_id, ""))
            for o in _of(known, "intrusion-set")
        ),
        software=tuple(
            Software(o.attack_id, _name(o), o.type, _aliases(o), _state(o), successor.get(o.attack_id, ""))
            for o in _of(known, "malware", "tool")
        ),
        campaigns=_campaigns(known, related),
        citations=citations,
        uses=uses,
    )
    if not table.techniques:
        raise UsageError("there is no technique of ATT&CK in it")
    return Built(table, left_out)


def _version(objects: Sequence[Object], said: str) -> str:
    found = next((o.x_mitre_version for o in objects if o.type == "x-mitre-collection"), "")
    version = said or found
    if not _VERSION.fullmatch(version):
        raise UsageError(
            "it does not say which version of ATT&CK it is: give --attack-version, for example 18.1"
        )
    return version


def _known(objects: Iterable[Object], left_out: Counter[str]) -> dict[str, Object]:
    """Objects with an id of their type, by STIX id; of two with the same ATT&CK id, the one that is in force."""
    chosen: dict[str, Object] = {}
    for one in objects:
        pattern = _ID.get(one.type)
        if pattern is None:
            continue
        if not pattern.fullmatch(one.attack_id):
            left_out[f"{one.type} without an id of ATT&CK"] += 1
            continue
        before = chosen.get(one.attack_id)
        if before is not None:
            left_out["ids given twice"] += 1
            if not _state(before) or _state(one):
                continue
        chosen[one.attack_id] = one
    return {one.id: one for one in chosen.values()}


def _related(
    objects: Iterable[Object], ids: dict[str, str], left_out: Counter[str]
) -> defaultdict[str, list[tuple[str, str, tuple[str, ...]]]]:
    """Relationships by kind: ATT&CK's ids of both ends, and the reports cited. `detects` has no end here."""
    related: defaultdict[str, list[tuple[str, str, tuple[str, ...]]]] = defaultdict(list)
    for one in objects:
        if one.type != "relationship" or one.relationship_type == "detects":
            continue
        if one.revoked or one.x_mitre_deprecated:
            left_out["relationships no longer in force"] += 1
        elif one.source_ref not in ids or one.target_ref not in ids:
            left_out["relationships of what is not there"] += 1
        else:
            keys = (r.source_name[:LONGEST] for r in one.external_references[:MOST_CITED] if r.source_name)
            ends = ids[one.source_ref], ids[one.target_ref]
            related[one.relationship_type].append((*ends, tuple(dict.fromkeys(keys))))
    return related


def _uses(found: list[tuple[str, str, tuple[str, ...]]]) -> tuple[tuple[Use, ...], tuple[str, ...]]:
    citations = tuple(sorted({key for _, _, keys in found for key in keys}))
    place = {key: number for number, key in enumerate(citations)}
    merged: dict[tuple[str, str], set[int]] = {}
    for source, target, keys in found:
        merged.setdefault((source, target), set()).update(place[key] for key in keys)
    return tuple(Use(*ends, tuple(sorted(cited))) for ends, cited in sorted(merged.items())), citations


def _components(objects: Sequence[Object], ids: dict[str, str]) -> dict[str, set[str]]:
    """Data components in which techniques can be seen: through detection strategies and their analytics (since 18)."""
    by_id = {one.id: one for one in objects}
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for one in objects:
        technique = ids.get(one.target_ref, "")
        strategy = by_id.get(one.source_ref)
        if one.relationship_type != "detects" or not technique or strategy is None:
            continue
        analytics = (by_id[ref] for ref in strategy.x_mitre_analytic_refs if ref in by_id)
        for source in (s for a in analytics for s in a.x_mitre_log_source_references):
            component = by_id.get(source.x_mitre_data_component_ref)
            if component is not None and component.name:
                seen[technique].add(_name(component))
    return seen


def _techniques(
    known: dict[str, Object],
    related: dict[str, list[tuple[str, str, tuple[str, ...]]]],
    successor: dict[str, str],
    components: dict[str, set[str]],
) -> tuple[Technique, ...]:
    parent = {source: target for source, target, _ in related["subtechnique-of"]}
    return tuple(
        Technique(
            id=one.attack_id,
            name=_name(one),
            tactics=tuple(dict.fromkeys(p.phase_name[:LONGEST] for p in one.kill_chain_phases[:MOST_NAMES])),
            parent=parent.get(one.attack_id, ""),
            platforms=tuple(sorted({p[:LONGEST] for p in one.x_mitre_platforms[:MOST_NAMES]})),
            components=tuple(sorted(components.get(one.attack_id, ()))),
            state=_state(one),
            successor=successor.get(one.attack_id, ""),
        )
        for one in _of(known, "attack-pattern")
    )


def _mitigations(
    known: dict[str, Object], related: dict[str, list[tuple[str, str, tuple[str, ...]]]]
) -> tuple[Mitigation, ...]:
    techniques: defaultdict[str, set[str]] = defaultdict(set)
    for source, target, _ in related["mitigates"]:
        techniques[source].add(target)
    return tuple(
        Mitigation(one.attack_id, _name(one), tuple(sorted(techniques[one.attack_id])))
        for one in _of(known, "course-of-action")
        if not _state(one)
    )


def _campaigns(
    known: dict[str, Object], related: dict[str, list[tuple[str, str, tuple[str, ...]]]]
) -> tuple[Campaign, ...]:
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for source, target, _ in related["attributed-to"]:
        groups[source].add(target)
    return tuple(
        Campaign(
            one.attack_id,
            _name(one),
            _aliases(one),
            one.first_seen[:10],
            one.last_seen[:10],
            tuple(sorted(groups[one.attack_id])),
        )
        for one in _of(known, "campaign")
        if not _state(one)
    )


def _of(known: dict[str, Object], *types: str) -> list[Object]:
    return sorted((one for one in known.values() if one.type in types), key=lambda one: one.attack_id)


def _name(one: Object) -> str:
    return one.name.strip()[:LONGEST]


def _aliases(one: Object) -> tuple[str, ...]:
    names = (name.strip()[:LONGEST] for name in (one.aliases or one.x_mitre_aliases)[:MOST_NAMES])
    return tuple(dict.fromkeys(name for name in names if name and name != _name(one)))


def _state(one: Object) -> str:
    return "revoked" if one.revoked else "deprecated" if one.x_mitre_deprecated else ""
