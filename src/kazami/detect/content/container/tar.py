"""Tar archives. Links and devices are named, never followed."""

from __future__ import annotations

import io

from kazami.archive import kind, tape
from kazami.archive.stream import Stream, pieces
from kazami.detect.content.container.members import MEANINGS, account, analysis, gathered
from kazami.model.content import Analysis, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]


def confidence(head: bytes, name: str) -> float:
    """Has the magic of POSIX or GNU tar in its first header."""
    return 1.0 if kind(head[:512]) == "tar" else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """All regular files."""
    budget = account(data, scope)
    stream = Stream(pieces(io.BytesIO(data).read))
    return analysis(*gathered(tape.members(stream, budget), scope, budget))
