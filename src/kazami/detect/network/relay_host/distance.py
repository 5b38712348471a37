"""Who completes the handshake is much nearer than who answers what is said: somebody ends TCP on the way.

Source: Ramesh and others, CalcuLatency (USENIX Security 2024): the difference of the times at the two layers betrays a proxy, whatever protocol it speaks. Measured at one place, here,
and only where a machine answers without waiting for a person: TLS, SSH, RDP. The median of several connections is taken, so that one slow answer says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

#: Services whose second message a machine sends at once.
PROMPT = ("ssl", "ssh", "rdp")

#: Connections of one address that are needed, and the gap that counts: in seconds, and as a multiple of the handshake's time.
LEAST, GAP, TIMES = 3, 0.06, 2.5
_WEIGHT = 0.35


def gap(pairs: Sequence[tuple[float, float]]) -> tuple[float, str] | None:
    """How much (handshake, answer) in seconds of an address' connections say; None where they are too few, or fit."""
    if len(pairs) < LEAST:
        return None
    near, far = median(one for one, _ in pairs), median(other for _, other in pairs)
    if far - near < GAP or far < TIMES * near:
        return None
    return (
        _WEIGHT,
        f"the handshake takes {near * 1000:.0f} ms, an answer {far * 1000:.0f} ms (median of {len(pairs)})",
    )
