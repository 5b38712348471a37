"""A notice as a STIX 2.1 bundle (OASIS), marked with TLP 2.0 by the definitions of OASIS' common object repository."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from kazami.model.notice import Notice
from kazami.respond.text import safe

_SPACE = uuid.UUID("5d7f1a1c-0f3c-4d55-9a3f-3f0d6a0a6b11")
_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_MARKINGS = {
    "CLEAR": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "GREEN": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "AMBER": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "AMBER+STRICT": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "RED": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def bundle(notice: Notice) -> str:
    """JSON of a bundle: the tenant, its incidents, the techniques, and a report that holds them together."""
    time = _time(notice.last)
    marked = {"object_marking_refs": [_MARKINGS[notice.tlp]]}
    common = {"spec_version": "2.1", "created": time, "modified": time, **marked}
    victim = {**common, "type": "identity", "id": _id("identity", notice.tenant), "name": safe(notice.name),
              "identity_class": "organization"}  # fmt: skip
    techniques = [
        {**common, "type": "attack-pattern", "id": _id("attack-pattern", one), "name": one,
         "external_references": [{"source_name": "mitre-attack", "external_id": one}]}
        for one in notice.techniques
    ]  # fmt: skip
    incidents = [
        {**common, "type": "incident", "id": _id("incident", uid), "name": safe(title)[:500]}
        for uid, title in notice.incidents
    ]
    objects: list[dict[str, Any]] = [victim, *techniques, *incidents]
    report = {**common, "type": "report", "id": _id("report", notice.notice_uid), "name": safe(notice.title),
              "description": "\n".join(map(safe, notice.summary)), "published": time, "report_types": ["threat-report"],
              "lang": notice.lang, "created_by_ref": victim["id"],
              "object_refs": [one["id"] for one in objects]}  # fmt: skip
    whole = {
        "type": "bundle",
        "id": _id("bundle", notice.notice_uid),
        "objects": [_marking(notice.tlp), *objects, report],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)


def _marking(tlp: str) -> dict[str, Any]:
    said = {"extension_type": "property-extension", "tlp_2_0": tlp.lower()}
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": _MARKINGS[tlp],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{tlp}",
        "extensions": {_EXTENSION: said},
    }


def _id(kind: str, name: str) -> str:
    return f"{kind}--{uuid.uuid5(_SPACE, f'{kind}|{name}')}"


def _time(time: datetime | None) -> str:
    return (time or _NEVER).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
