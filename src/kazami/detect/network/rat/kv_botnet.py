"""KV-botnet: the first message of an infected router to its controller, 42 bytes shaped after TLS but not TLS.

After Lumen's Black Lotus Labs (December 2023). The order of the bytes in its two numbers is not stated: both are taken.
"""

from __future__ import annotations

from kazami.detect.network.rat.proof import Conversation, Proof, ends_at

_LENGTH = 42


def recognize(conversation: Conversation) -> Proof | None:
    """By every fixed byte of the first message, of either side: infected devices listen, too. TLS has its version where this has a length."""
    for side, data, sizes in conversation.sides:
        if proof := _message(side, data, sizes, conversation.server if side == "client" else b""):
            return proof
    return None


def _message(side: str, data: bytes, sizes: tuple[int, ...], answer: bytes) -> Proof | None:
    if len(data) < _LENGTH or data[:1] != b"\x16":
        return None
    fixed = data[3:5] == b"\x03\x03" and data[8:10] == b"\x03\x03"
    if not fixed or data[1:3] not in (b"\0\x2a", b"\x2a\0") or data[6:8] not in (b"\0\x20", b"\x20\0"):
        return None
    if not ends_at(data, sizes, _LENGTH) and data[_LENGTH] not in (
        0x16,
        0x17,
    ):  # or its next message follows at once
        return None
    told = {"state": str(data[5]), "random": data[10:_LENGTH].hex(), "length": str(_LENGTH)}
    if answer[:1] in (b"\x16", b"\x17") and answer[1:3] != b"\x03\x03":
        told["answer"] = answer[:10].hex()
    return Proof("KV-botnet", "TCP", "high", side, 0, told)
