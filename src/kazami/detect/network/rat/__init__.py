"""Recognisers of remote access tools: one small file a family, pure functions over first bytes, proof instead of a guess.

`recognize` asks all of them. No public capture of RedLeaves, PlugX, Poison Ivy, ChChes, KV-botnet, FRP or EarthWorm was to be had:
they were built from published descriptions of the protocols and are tested with messages of our own making.
"""

from __future__ import annotations

from collections.abc import Callable

from kazami.detect.network.rat import (
    chches,
    earthworm,
    frp,
    gh0st,
    kv_botnet,
    plugx,
    poison_ivy,
    quasar,
    redleaves,
)
from kazami.detect.network.rat.proof import Conversation, Proof

Recognizer = Callable[[Conversation], "Proof | None"]

#: All recognisers by the name of the family.
FAMILIES: dict[str, Recognizer] = {
    "RedLeaves": redleaves.recognize,
    "PlugX": plugx.recognize,
    "Poison Ivy": poison_ivy.recognize,
    "ChChes": chches.recognize,
    "KV-botnet": kv_botnet.recognize,
    "gh0st": gh0st.recognize,
    "FRP": frp.recognize,
    "EarthWorm": earthworm.recognize,
    "Quasar": quasar.recognize,
}


def recognize(conversation: Conversation) -> list[Proof]:
    """The proof of every family that the first bytes of a conversation show; nothing is raised for any bytes."""
    if not conversation.client and not conversation.server:
        return []
    found = (recognizer(conversation) for recognizer in FAMILIES.values())
    return [proof for proof in found if proof is not None]


__all__ = ["FAMILIES", "Conversation", "Proof", "Recognizer", "recognize"]
