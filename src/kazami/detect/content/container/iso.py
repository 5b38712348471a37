"""Disc images (ISO 9660), with the names that Windows shows: Joliet first, then ISO 9660 itself; UDF goes to the unpacker.

pycdlib reads Rock Ridge too; Windows does not, so those names are not asked for.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from kazami.archive import Member
from kazami.archive.stream import paid
from kazami.detect.content.container.members import MEANINGS, account, analysis, gathered
from kazami.detect.content.identify import kind, kinds
from kazami.model.content import Analysis, Feature, Scope

__all__ = ["MEANINGS", "NEEDS", "analyze", "confidence"]

NEEDS = {"pycdlib": "what lies in disc images (ISO)"}


def confidence(head: bytes, name: str) -> float:
    """Has the magic of ISO 9660 in its first volume descriptor."""
    return 1.0 if head[0x8001:0x8006] == b"CD001" else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """All files."""
    from pycdlib import PyCdlib

    budget = account(data, scope)
    disc: Any = PyCdlib()
    disc.open_fp(io.BytesIO(data))
    try:
        path = "joliet_path" if disc.has_joliet() else "iso_path"
        children, gaps = gathered(_members(disc, path, budget), scope, budget)
    finally:
        disc.close()
    runs = [c for c in children if kinds()[kind(c.data, c.name)].family in ("program", "shortcut", "script")]
    features = [Feature("container.image_with_shortcut", c.name, place=c.name) for c in runs[:5]]
    return analysis(children, gaps, *features)


def _members(disc: Any, path: str, budget: Any) -> Iterator[Member]:
    for folder, _, files in disc.walk(**{path: "/"}):
        for name in files:
            where = f"{folder.rstrip('/')}/{name}"
            shown = where.lstrip("/").removesuffix(";1").removesuffix(".")
            yield Member(shown, paid(_content(disc, path, where), budget))


def _content(disc: Any, path: str, where: str) -> Iterator[bytes]:
    with disc.open_file_from_iso(**{path: where}) as file:
        while piece := file.read(1 << 20):
            yield piece
