"""STIX 2.1: indicators whose pattern compares a file's hashes, and file objects with hashes.

Patterns are looked through for ``file:hashes.'SHA-256' = '...'``: a parser of the whole language is a hundred times slower
and would say the same of a hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from kazami.errors import UsageError
from kazami.intel.reputation.formats.document import read
from kazami.intel.reputation.label import Label
from kazami.intel.reputation.shelf import Statement

_HASH = re.compile(
    r"""hashes\.['"]?(?:MD5|SHA-?1|SHA-?256)['"]?\s*=\s*'([0-9a-fA-F]{32,64})'""", re.IGNORECASE
)


def fits(_: Path, head: bytes) -> bool:
    """A bundle."""
    return head.lstrip()[:1] == b"{" and b'"bundle"' in head


def statements(file: Path, about: Label) -> Iterator[Statement]:
    """Hashes of indicators that are not revoked, as said; of file objects, as known."""
    bundle = read(file)
    objects = bundle.get("objects") if isinstance(bundle, dict) else None
    if not isinstance(objects, list):
        raise UsageError(f"{file}: is no STIX bundle")
    for one in objects:
        if isinstance(one, dict):
            yield from _of(one, about)


def _of(one: dict[str, Any], about: Label) -> Iterator[Statement]:
    if one.get("type") == "indicator" and not one.get("revoked") and isinstance(one.get("pattern"), str):
        date = str(one.get("valid_from") or about.date)[:10]
        benign = one.get("indicator_types") == ["benign"]
        standing = "good" if benign else about.standing
        told = msgspec.structs.replace(
            about, date=date, product=str(one.get("name") or "")[:120], standing=standing
        )
        yield from (Statement(digest, told) for digest in _HASH.findall(one["pattern"]))
    elif one.get("type") == "file" and isinstance(one.get("hashes"), dict):
        known = msgspec.structs.replace(about, standing="known", product=str(one.get("name") or "")[:120])
        yield from (Statement(str(digest), known) for digest in one["hashes"].values())
