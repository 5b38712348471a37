"""EarthWorm and Termite: the message by which an agent makes itself known. After Emerging Threats' rules 2027064 and 2027065."""

from __future__ import annotations

from kazami.detect.network.rat.proof import Conversation, Proof

_FIRST, _SECOND, _WORD = b"\0\0\0\x01", b"\0\0\0\x01\x6b\0\0\0\x01", b"agent"


def recognize(conversation: Conversation) -> Proof | None:
    """By the three fixed parts at their places, from either side."""
    for side, data, sizes in conversation.sides:
        if sizes and sizes[0] >= 500:
            continue
        if data[1:5] == _FIRST and data[12:21] == _SECOND and data[25:30] == _WORD:
            return Proof("EarthWorm", "agent", "high", side, 0, {"begins": data[:30].hex()})
    return None
