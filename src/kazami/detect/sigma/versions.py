"""Versions of rules: short digests of what they say."""

from __future__ import annotations

import hashlib


def digest(*parts: bytes) -> str:
    """16 hex digits of a SHA-256 over `parts`."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
