"""Shares with their uncertainty."""

from __future__ import annotations

import math


def wilson(hits: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """The interval of Wilson (1927) in which a share lies that was `hits` of `total`; 95 % by default. (0, 1) of nothing."""
    if total <= 0:
        return 0.0, 1.0
    share, square = hits / total, z * z / total
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)
