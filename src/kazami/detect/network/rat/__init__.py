"""Recognisers of remote access tools: one small file a family, pure functions over first bytes, proof instead of a guess.

`recognize` asks all of them. No public capture of RedLeaves, PlugX, Poison Ivy, ChChes, KV-botnet, FRP or EarthWorm was to be had:
they were built from published descriptions of the protocols and are tested with messages of our own making.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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
from kazami.detect.network.rat.layer import Layer, layers
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


#: Those that find something in any request of HTTP, not in the first of a connection alone.
ON_HTTP = ("RedLeaves", "PlugX", "ChChes")


def recognize(conversation: Conversation) -> list[Proof]:
    """The proof of every family that the first bytes of a conversation show, or of what it carries; nothing is raised for any bytes."""
    if not conversation.client and not conversation.server:
        return []
    for layer in layers(conversation):
        names = ON_HTTP if layer.request else FAMILIES
        if found := [proof for name in names if (proof := FAMILIES[name](layer.said)) is not None]:
            return [_placed(proof, layer) for proof in found]
    return []


def _placed(proof: Proof, layer: Layer) -> Proof:
    """A proof with its place in the whole conversation, and where it lay in it."""
    before = layer.client if proof.side == "client" else layer.server
    told = {"behind": layer.behind, "request": str(layer.request or "")}
    fields = {**proof.fields, **{name: value for name, value in told.items() if value}}
    return replace(proof, offset=proof.offset + before, fields=fields)


__all__ = ["FAMILIES", "Conversation", "Proof", "Recognizer", "recognize"]
