"""Small bundles of ATT&CK, made for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def thing(kind: str, attack_id: str, name: str, **more: Any) -> dict[str, Any]:
    """An object with an id of ATT&CK; its STIX id is made of both."""
    reference = {"source_name": "mitre-attack", "external_id": attack_id}
    return {
        "type": kind,
        "id": f"{kind}--{attack_id}",
        "name": name,
        "external_references": [reference],
        **more,
    }


def tie(kind: str, source: str, target: str, *cited: str, **more: Any) -> dict[str, Any]:
    """A relationship between two STIX ids."""
    references = [{"source_name": key} for key in cited]
    return {
        "type": "relationship",
        "id": f"relationship--{kind}{source}{target}",
        "relationship_type": kind,
        "source_ref": source,
        "target_ref": target,
        "external_references": references,
        **more,
    }


OBJECTS: list[dict[str, Any]] = [
    {"type": "x-mitre-collection", "id": "x-mitre-collection--1", "x_mitre_version": "18.1"},
    thing("attack-pattern", "T1003", "Dumping", kill_chain_phases=[{"phase_name": "credential-access"}]),
    thing("attack-pattern", "T1003.003", "NTDS", x_mitre_platforms=["Windows"]),
    thing("attack-pattern", "T1900", "Old", revoked=True),
    thing("course-of-action", "M1026", "Privileged Accounts"),
    thing("course-of-action", "T1003", "a note of before, not a mitigation"),
    thing("intrusion-set", "G0001", "Gulls", aliases=["Gulls", "Terns"]),
    thing("malware", "S0001", "Feather", x_mitre_aliases=["Feather", "Quill"]),
    thing("campaign", "C0001", "Molt", first_seen="2024-01-02T00:00:00Z"),
    {"type": "x-mitre-data-component", "id": "x-mitre-data-component--1", "name": "File Creation"},
    {
        "type": "x-mitre-analytic",
        "id": "x-mitre-analytic--1",
        "x_mitre_log_source_references": [{"x_mitre_data_component_ref": "x-mitre-data-component--1"}],
    },
    {
        "type": "x-mitre-detection-strategy",
        "id": "x-mitre-detection-strategy--1",
        "x_mitre_analytic_refs": ["x-mitre-analytic--1"],
    },
    tie("detects", "x-mitre-detection-strategy--1", "attack-pattern--T1003.003"),
    tie("subtechnique-of", "attack-pattern--T1003.003", "attack-pattern--T1003"),
    tie("revoked-by", "attack-pattern--T1900", "attack-pattern--T1003.003"),
    tie("mitigates", "course-of-action--M1026", "attack-pattern--T1003.003"),
    tie("attributed-to", "campaign--C0001", "intrusion-set--G0001"),
    tie("uses", "intrusion-set--G0001", "attack-pattern--T1003.003", "Report B", "Report A"),
    tie("uses", "campaign--C0001", "malware--S0001", "Report A"),
    tie("uses", "intrusion-set--G0001", "malware--S0001", x_mitre_deprecated=True),
    tie("uses", "intrusion-set--G0001", "malware--S0999"),
]


def bundle(*more: Any) -> bytes:
    """The bundle, with `more` objects."""
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": [*OBJECTS, *more]}).encode()


def written(folder: Path, content: bytes | None = None, name: str = "bundle.json") -> Path:
    """A file with a bundle."""
    path = folder / name
    path.write_bytes(bundle() if content is None else content)
    return path
