"""Compressed streams: gz, bz2, xz, zst. One child, named as the file without its suffix."""

from __future__ import annotations

import io
import re

from kazami.archive import Member, kind
from kazami.archive.compressed import DECODERS
from kazami.archive.stream import paid
from kazami.detect.content.container.members import MEANINGS, account, analysis, gathered
from kazami.model.content import Analysis, Child, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]

_SUFFIX = re.compile(r"\.(?:gz|gzip|bz2|xz|zst|zstd)$", re.IGNORECASE)
_TAR = re.compile(r"\.t(?:gz|bz2?|bz|xz|zst)$", re.IGNORECASE)


def confidence(head: bytes, name: str) -> float:
    """Begins as one of the four does."""
    return 1.0 if kind(head[:512]) in DECODERS else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What was compressed, as far as it can be had."""
    budget = account(data, scope)
    content = paid(DECODERS[kind(data[:512])](io.BytesIO(data).read), budget)
    name = _TAR.sub(".tar", _SUFFIX.sub("", scope.name)) or "content"
    children, gaps = gathered([Member(_inside(data) or name, content)], scope, budget)
    return analysis([Child(c.name, c.data, relation="decoded") for c in children], gaps)


def _inside(data: bytes) -> str:
    """The name that gzip keeps (RFC 1952), where it keeps one."""
    if data[:2] != b"\x1f\x8b" or len(data) < 12 or not data[3] & 8:
        return ""
    start = 10 + (2 + int.from_bytes(data[10:12], "little") if data[3] & 4 else 0)
    return data[start : start + 255].split(b"\0")[0].decode("latin-1")
