"""A rule in the words of findings: level, tactics and techniques, title."""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from importlib.resources import files

import yaml

from kazami.detect.alert import vocabulary
from kazami.detect.network.suricata.rule import Rule
from kazami.model.event import LogSource
from kazami.model.rule import RuleInfo

_LEVELS = {1: "high", 2: "medium", 3: "low"}
_SAID = {
    "critical": "critical",
    "major": "high",
    "minor": "low",
    "informational": "informational",
    "audit": "informational",
}
_TECHNIQUE = re.compile(r"T\d{4}(?:[._]\d{3})?", re.IGNORECASE)

#: Tactics of ATT&CK by the ids that metadata has for them.
_TACTICS = {
    "ta0043": "reconnaissance", "ta0042": "resource-development", "ta0001": "initial-access", "ta0002": "execution",
    "ta0003": "persistence", "ta0004": "privilege-escalation", "ta0005": "defense-evasion", "ta0006": "credential-access",
    "ta0007": "discovery", "ta0008": "lateral-movement", "ta0009": "collection", "ta0011": "command-and-control",
    "ta0010": "exfiltration", "ta0040": "impact",
}  # fmt: skip


@cache
def priorities() -> dict[str, int]:
    """How grave the rules of a class are, 1 the gravest."""
    text = files("kazami.detect.network.suricata").joinpath("classification.yml").read_text("utf-8")
    found: dict[int, list[str]] = yaml.safe_load(text)
    return {name: rank for rank, names in found.items() for name in names}


def level(rule: Rule) -> str:
    """The level of what a rule finds: what its metadata says, else its priority, else that of its class."""
    for name, value in rule.metadata:
        if name == "signature_severity" and value.lower() in _SAID:
            return _SAID[value.lower()]
    rank = rule.priority if rule.priority is not None else priorities().get(rule.classtype, 3)
    return _LEVELS.get(rank, "informational")


def tags(rule: Rule) -> tuple[str, ...]:
    """Tactics and techniques that the metadata names; where it names none, those that the title speaks of."""
    found: list[str] = []
    for name, value in rule.metadata:
        if name == "mitre_tactic_id" and value.lower() in _TACTICS:
            found.append(f"attack.{_TACTICS[value.lower()]}")
        if name == "mitre_technique_id" and _TECHNIQUE.fullmatch(value):
            found.append(f"attack.{value.lower().replace('_', '.')}")
    return tuple(dict.fromkeys(found)) or vocabulary.tags(rule.message)


def identity(rule: Rule) -> tuple[str, str]:
    """Id and version of a rule: its number, and a hash over its text."""
    version = sha256(rule.raw.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"suricata-rule:{rule.gid}:{rule.sid}", version


def info(rule: Rule) -> RuleInfo:
    """The words of a rule."""
    name, version = identity(rule)
    asked = rule.header.application or "conn"
    return RuleInfo(
        name,
        version,
        rule.message or f"Rule {rule.sid}",
        level(rule),
        description=f"{rule.classtype}: " * bool(rule.classtype)
        + (rule.message or "a rule without a message"),
        logsource=LogSource("zeek", None, "conn" if asked == "conn" else asked),
        tags=tags(rule),
        references=tuple(one.replace("url,", "https://", 1) for one in rule.references),
        path=rule.path,
    )
