"""MISP: an event or a list of events as JSON; attributes with hashes, those meant for detection (``to_ids``) as said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from kazami.intel.reputation.formats.document import read
from kazami.intel.reputation.label import Label
from kazami.intel.reputation.shelf import Statement

_TYPES = {"md5", "sha1", "sha256", "filename|md5", "filename|sha1", "filename|sha256"}


def fits(_: Path, head: bytes) -> bool:
    """JSON with an event."""
    return head.lstrip()[:1] in (b"{", b"[") and b'"Event"' in head


def statements(file: Path, about: Label) -> Iterator[Statement]:
    """Hashes of attributes and of objects; what is not for detection is only known."""
    for event in _events(read(file)):
        date = str(event.get("date") or about.date)
        told = msgspec.structs.replace(about, date=date, product=str(event.get("info") or "")[:120])
        harmless = msgspec.structs.replace(told, standing="known")
        for one in _attributes(event):
            if one.get("type") in _TYPES and isinstance(one.get("value"), str):
                digest = one["value"].rpartition("|")[2]
                yield Statement(digest, told if one.get("to_ids", True) else harmless)


def _events(found: Any) -> Iterator[dict[str, Any]]:
    for one in found if isinstance(found, list) else [found]:
        event = one.get("Event") if isinstance(one, dict) else None
        if isinstance(event, dict):
            yield event


def _attributes(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    groups = [event, *(o for o in event.get("Object") or () if isinstance(o, dict))]
    for group in groups:
        yield from (a for a in group.get("Attribute") or () if isinstance(a, dict))
