"""KV-botnet: the first message of an infected router to its controller, 42 bytes shaped after TLS but not TLS.

After Lumen's Black Lotus Labs (December 2023). The order of the bytes in its two numbers is not stated: both are taken.
"""

from __future__ import annotations

from kazami.detect.network.rat.proof import Conversation, Proof


def recognize(conversation: Conversation) -> Proof | None:
    """By every fixed byte of the first message; TLS has its version where this has a length."""
    data = conversation.client
    if conversation.client_sizes and conversation.client_sizes[0] != 42:
        return None
    if len(data) < 42 or (not conversation.client_sizes and len(data) != 42):
        return None
    fixed = data[0] == 0x16 and data[3:5] == b"\x03\x03" and data[8:10] == b"\x03\x03"
    if not fixed or data[1:3] not in (b"\0\x2a", b"\x2a\0") or data[6:8] not in (b"\0\x20", b"\x20\0"):
        return None
    told = {"state": str(data[5]), "random": data[10:42].hex(), "length": "42"}
    if conversation.server[:1] in (b"\x16", b"\x17") and conversation.server[1:3] != b"\x03\x03":
        told["answer"] = conversation.server[:10].hex()
    return Proof("KV-botnet", "TCP", "high", "client", 0, told)
