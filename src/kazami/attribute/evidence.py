"""What findings say, as evidence: each technique once, with the rules that showed it; malware where a pack says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kazami.intel import translate
from kazami.intel.table import Table

_SOFTWARE = re.compile(r"attack\.(s\d{4})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fired: how often, on how many hosts, and what it names."""

    rule_id: str
    title: str
    techniques: tuple[str, ...]
    tags: tuple[str, ...] = ()
    findings: int = 1
    log_source: str = ""


@dataclass(slots=True)
class Evidence:
    """Features seen, each with the titles of the rules that showed it; and how much there was to see."""

    features: dict[str, list[str]] = field(default_factory=dict)
    findings: int = 0
    rules: int = 0
    log_sources: set[str] = field(default_factory=set)


def gather(hits: Iterable[Hit], table: Table, software: Mapping[str, str]) -> Evidence:
    """The evidence of `hits`; `software` names, by rule id, the malware that a rule recognizes.

    A tag ``attack.s0153`` does the same. What only such a rule shows counts as the malware alone, not as its
    techniques again. Tags that name groups are not evidence: they are somebody's conclusion.
    """
    found = Evidence()
    for hit in hits:
        found.findings += hit.findings
        found.rules += 1
        if hit.log_source:
            found.log_sources.add(hit.log_source)
        tagged = (m.group(1).upper() for tag in hit.tags if (m := _SOFTWARE.match(tag)))
        malware = [software[hit.rule_id]] if hit.rule_id in software else list(tagged)
        names = [one for one in malware if one in table.piece and table.piece[one].kind == "malware"]
        techniques = translate.techniques(hit.techniques, translate.major(table.version), table)
        for feature in dict.fromkeys(names or techniques):
            found.features.setdefault(feature, []).append(hit.title)
    return found
