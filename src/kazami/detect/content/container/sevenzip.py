"""7z archives, encrypted headers too."""

from __future__ import annotations

import io

from kazami.archive import sevenzip
from kazami.detect.content.container.members import MEANINGS, account, analysis, gathered, passwords
from kazami.model.content import Analysis, Feature, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]


_CUSTOMARY = 3


def confidence(head: bytes, name: str) -> float:
    """Begins as 7z archives do."""
    return 1.0 if head.startswith(b"7z\xbc\xaf\x27\x1c") else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """All members, opened with the passwords there are."""
    budget = account(data, scope)
    children, gaps = gathered(
        sevenzip.members(io.BytesIO(data), passwords(scope, _CUSTOMARY), budget), scope, budget
    )
    locked = any(gap.kind == "password" for gap in gaps) or b"\x06\xf1\x07\x01" in data[-4096:]
    return analysis(children, gaps, *([Feature("container.encrypted", "7z")] if locked else []))
